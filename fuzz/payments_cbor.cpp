// The CBOR under a token, without the base64 that hides it from the fuzzer.
#include "payments/cashu/cbor.h"
#include "payments/cashu/token.h"

using namespace adit;
using namespace adit::payments::cashu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView bytes(data, size);
    CborReader reader(bytes);
    (void)reader.skip();

    Bytes raw;
    append(raw, as_bytes("crawB"));
    append(raw, bytes);
    const auto token = parse_raw_token(raw);
    if (token) CHECK(parse_raw_token(encode_raw_token(*token)).has_value());
    return 0;
}
