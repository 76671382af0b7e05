// The first byte chooses the endpoint, the rest is the form or the end of the path. Whatever comes, there is an answer.
#include "devnet/phoenixd.h"

namespace {

using namespace adit::devnet;

class Answered final : public BackendReply {
public:
    void answer(HttpAnswer given) override { status = given.status; }
    void stream(std::string_view) override {}
    void end() override {}
    void upgrade(std::string_view) override {}
    void send_text(std::string_view) override {}
    bool is_open() const override { return false; }
    int status = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    constexpr std::pair<const char*, const char*> kEndpoints[]{
        {"POST", "/createinvoice"},           {"POST", "/payinvoice"},
        {"GET", "/payments/incoming/"},       {"GET", "/payments/outgoing/"},
        {"GET", "/payments/outgoingbyhash/"},
    };
    if (size == 0) return 0;
    Lightning lightning(adit::system_clock(), adit::system_rng());
    Phoenixd phoenixd(lightning, adit::system_rng());
    const auto [method, path] = kEndpoints[bytes[0] % std::size(kEndpoints)];
    const std::string rest(adit::as_text({bytes + 1, size - 1}));
    adit::http::Request request;
    request.method = method;
    request.path = path;
    request.headers = {
        {"authorization", "Basic " + adit::encode_base64(adit::as_bytes(":" + phoenixd.full_password()))},
        {"content-type", "application/x-www-form-urlencoded"}};
    (request.method == "POST" ? request.body : request.path) += rest;
    const auto reply = std::make_shared<Answered>();
    phoenixd.handle(request, reply);
    CHECK(reply->status >= 200 && reply->status <= 404);
    return 0;
}
