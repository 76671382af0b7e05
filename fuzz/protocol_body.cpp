// Everything that is JSON in the HTTP API: the purchase body, and the answers that a buyer reads.
#include "base/check.h"
#include "protocol/info.h"
#include "protocol/purchase_body.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace adit::protocol;
    const std::string_view text = adit::as_text({data, size});
    static const std::vector<std::string> sold{"wireguard"};
    if (const auto body = parse_purchase_body(text, sold)) {
        const auto again = parse_purchase_body(encode_purchase_body(*body), sold);
        CHECK(again && again->client_key == body->client_key && again->refund_key == body->refund_key);
    }
    for (const int status : {200, 402, 409, 503}) {
        const auto answer = parse_purchase_answer(status, text);
        CHECK(answer || status == 200);
        if (!answer) continue;
        if (const auto* delivered = std::get_if<Delivered>(&*answer))
            CHECK(std::get<Delivered>(parse_purchase_answer(200, encode_delivered(*delivered)).value()) == *delivered);
    }
    for (const int status : {200, 403, 503}) {
        const auto answer = parse_close_answer(status, text);
        CHECK(answer || status == 200);
        if (!answer) continue;
        if (const auto* closed = std::get_if<Closed>(&*answer))
            CHECK(std::get<Closed>(parse_close_answer(200, encode_closed(*closed)).value()) == *closed);
    }
    if (const auto info = parse_info(text)) CHECK(parse_info(encode_info(*info)));
    if (const auto health = parse_health(text)) CHECK(parse_health(encode_health(*health)).value() == *health);
    if (const auto session = parse_session(text)) CHECK(parse_session(encode_session(*session)).value() == *session);
    return 0;
}
