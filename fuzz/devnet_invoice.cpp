#include "devnet/bolt11.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    const auto facts = adit::devnet::parse_invoice(adit::as_text({bytes, size}));
    if (facts) CHECK(facts->expiry.count() >= 0 && facts->timestamp.count() >= 0);
    return 0;
}
