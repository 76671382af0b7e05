// A token as it stands in the X-Cashu header: what parses must be writable and parse again.
#include "payments/cashu/token.h"

using namespace adit;
using namespace adit::payments::cashu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto token = parse_token(as_text(ByteView(data, size)));
    if (!token) return 0;
    CHECK(total(token->proofs).has_value());
    const TokenLimits any_size{.bytes = 1 << 22};
    CHECK(parse_token(encode_token(*token), any_size).has_value());
    CHECK(parse_token(encode_token_v3(*token), any_size).has_value());
    return 0;
}
