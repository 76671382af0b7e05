// The first byte chooses the endpoint, the rest is the body or the end of the path. Whatever comes, there is an answer.
#include "devnet/lnd.h"

namespace {

using namespace adit::devnet;

class Answered final : public BackendReply {
public:
    void answer(HttpAnswer given) override { status = given.status; }
    void stream(std::string_view) override { begun = true; }
    void end() override {}
    void upgrade(std::string_view) override {}
    void send_text(std::string_view) override {}
    bool is_open() const override { return false; } // as soon as it has been answered, its client is gone
    int status = 0;
    bool begun = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    constexpr std::pair<const char*, const char*> kEndpoints[]{
        {"POST", "/v1/invoices"},           {"POST", "/v2/invoices/hodl"}, {"POST", "/v2/invoices/settle"},
        {"POST", "/v2/invoices/cancel"},    {"POST", "/v2/router/send"},   {"GET", "/v1/invoice/"},
        {"GET", "/v2/invoices/subscribe/"}, {"GET", "/v2/router/track/"},  {"GET", "/v1/payreq/"},
    };
    if (size == 0) return 0;
    Lightning lightning(adit::system_clock(), adit::system_rng());
    Lnd lnd(lightning, adit::system_rng());
    const auto [method, path] = kEndpoints[bytes[0] % std::size(kEndpoints)];
    const std::string rest(adit::as_text({bytes + 1, size - 1}));
    adit::http::Request request;
    request.method = method;
    request.path = path;
    request.headers = {{"grpc-metadata-macaroon", adit::encode_hex(lnd.admin_macaroon())}};
    (request.method == "POST" ? request.body : request.path) += rest;
    const auto reply = std::make_shared<Answered>();
    lnd.handle(request, reply);
    // A stream of an invoice that is not there yet stays silent.
    const bool waits = request.path.starts_with("/v2/invoices/subscribe/");
    CHECK(waits || reply->begun || (reply->status >= 200 && reply->status <= 501));
    return 0;
}
