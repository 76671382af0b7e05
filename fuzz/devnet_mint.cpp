// The first byte chooses the endpoint, the rest is the body. Whatever comes, the books balance.
#include "devnet/mint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    static adit::devnet::Mint mint(adit::system_clock(), adit::system_rng());
    constexpr std::string_view kPaths[]{
        "/v1/swap",        "/v1/checkstate",        "/v1/restore",    "/v1/mint/quote/bolt11",
        "/v1/mint/bolt11", "/v1/melt/quote/bolt11", "/v1/melt/bolt11"};
    if (size == 0) return 0;
    const adit::devnet::MintAnswer answer =
        mint.handle("POST", kPaths[bytes[0] % std::size(kPaths)], adit::as_text({bytes + 1, size - 1}));
    CHECK(answer.status == 200 || answer.status == 400);
    const adit::devnet::Accounting books = mint.accounting();
    CHECK(books.outstanding().count() + books.melted.count() + books.fees.count() == books.minted.count());
    return 0;
}
