// A payment request, as text and as the CBOR in it.
#include "payments/cashu/nut18.h"

#include "base/bytes.h"

using namespace adit;
using namespace adit::payments::cashu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView bytes(data, size);
    (void)parse_payment_request(as_text(bytes));
    const auto request = parse_payment_request("creqA" + encode_base64url(bytes));
    if (request) CHECK(parse_payment_request(encode_payment_request(*request)).has_value());
    return 0;
}
