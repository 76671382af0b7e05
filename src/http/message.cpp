#include "http/message.h"

#include "base/check.h"

#include <algorithm>
#include <atomic>

namespace adit::http {

namespace {

std::optional<std::string_view> first_of(const Pairs& pairs, std::string_view name)
{
    const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == name; });
    if (found == pairs.end()) return std::nullopt;
    return found->second;
}

void append_json_string(std::string& out, std::string_view text)
{
    static constexpr char kDigits[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < ' ') {
            out += "\\u00";
            out += kDigits[byte >> 4U];
            out += kDigits[byte & 15U];
        } else {
            out += c;
        }
    }
    out += '"';
}

} // namespace

std::optional<std::string_view> Request::header(std::string_view name) const { return first_of(headers, name); }

std::optional<std::string_view> Request::query_value(std::string_view name) const { return first_of(query, name); }

std::optional<std::string_view> Request::parameter(std::string_view name) const { return first_of(parameters, name); }

Response error_response(int status, std::string_view reason, std::string_view message)
{
    Response response;
    response.status = status;
    response.body = R"({"status":"error","reason":)";
    append_json_string(response.body, reason);
    response.body += R"(,"message":)";
    append_json_string(response.body, message);
    response.body += '}';
    return response;
}

struct Responder::Once {
    explicit Once(Deliver function) : deliver(std::move(function)) {}
    Once(const Once&) = delete;
    Once& operator=(const Once&) = delete;
    ~Once()
    {
        if (answered) return;
        Response busy = error_response(503, "busy", "too busy to answer now; try again");
        busy.headers.emplace_back("Retry-After", "2");
        deliver(std::move(busy));
    }

    Deliver deliver;
    std::atomic<bool> answered{false};
};

Responder::Responder(Deliver deliver) : once_(std::make_shared<Once>(std::move(deliver))) {}

void Responder::send(Response response) const
{
    CHECK(once_ != nullptr); // moved from
    if (!once_->answered.exchange(true)) once_->deliver(std::move(response));
}

} // namespace adit::http
