// What a wallet event may hold once it is decrypted: no proof is lost in writing, reading or splitting.
#include "protocol/nip60.h"

using namespace adit;
using namespace adit::protocol;

namespace {

void split(const TokenContent& content, std::size_t max_bytes)
{
    const auto parts = split_token(content, max_bytes);
    if (!parts) return;
    std::size_t proofs = 0;
    for (const TokenContent& part : *parts) {
        CHECK(encode_token_content(part).size() <= max_bytes || part.proofs.empty());
        proofs += part.proofs.size();
    }
    CHECK(proofs == content.proofs.size() && parts->back().del == content.del);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = as_text({data, size});
    if (const auto wallet = parse_wallet_content(text))
        for (const SecretKey& key : wallet->privkeys) key.public_key();
    if (const auto token = parse_token_content(text)) {
        const std::string written = encode_token_content(*token);
        const auto again = parse_token_content(written);
        CHECK(again.has_value() && encode_token_content(*again) == written);
        split(*token, 200 + size / 4);
        split(*token, kMaxTokenPlaintext);
    }
    return 0;
}
