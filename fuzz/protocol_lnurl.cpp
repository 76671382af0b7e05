// Addresses and answers of LNURL services; what is understood is written and read again.
#include "base/check.h"
#include "protocol/lnurl.h"

using namespace adit;
using namespace adit::protocol;

namespace {

template<typename T>
const T* understood(const Result<std::variant<T, LnurlError>>& parsed)
{
    return parsed ? std::get_if<T>(&*parsed) : nullptr;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = as_text({data, size});
    if (const auto url = parse_lnurl(text)) {
        CHECK(url->starts_with("https://") || url->starts_with("http://"));
        if (url->size() < 3000) CHECK(parse_lnurl(encode_lnurl(*url)).value() == *url);
    }
    if (size < 3000) static_cast<void>(parse_lnurl(encode_lnurl(text)).has_value());
    const auto offer = parse_pay_request(text);
    if (const auto* request = understood(offer)) {
        const auto again = parse_pay_request(encode_pay_request(*request));
        CHECK(understood(again) != nullptr && understood(again)->metadata == request->metadata);
        CHECK(request->min_sendable > Msat(0) && request->min_sendable <= request->max_sendable);
    }
    const auto invoice = parse_pay_answer(text);
    if (const auto* answer = understood(invoice)) {
        const auto again = parse_pay_answer(encode_pay_answer(*answer));
        CHECK(understood(again) != nullptr && understood(again)->pr == answer->pr);
        CHECK(understood(again)->action.has_value() == answer->action.has_value());
    }
    const auto verified = parse_verify_answer(text);
    if (const auto* answer = understood(verified)) {
        CHECK(answer->settled || !answer->preimage);
        const auto again = parse_verify_answer(encode_verify_answer(*answer));
        CHECK(understood(again) != nullptr && understood(again)->settled == answer->settled);
        CHECK(understood(again)->refund == answer->refund);
    }
    return 0;
}
