#include "http/response_text.h"

namespace adit::http {

namespace {

constexpr std::string_view kCors = "Access-Control-Allow-Origin: *\r\n"
                                   "Access-Control-Allow-Methods: GET, POST, OPTIONS\r\n"
                                   "Access-Control-Allow-Headers: Content-Type, Authorization, X-Cashu\r\n"
                                   "Access-Control-Max-Age: 86400\r\n"
                                   "Access-Control-Expose-Headers: X-Cashu, Retry-After\r\n";

std::string_view phrase_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 402:
        return "Payment Required";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 413:
        return "Content Too Large";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 503:
        return "Service Unavailable";
    default:
        return "Status"; // the phrase means nothing to a client
    }
}

void append_header(std::string& out, std::string_view name, std::string_view value)
{
    out += name;
    out += ": ";
    for (const char c : value) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
    out += "\r\n";
}

} // namespace

std::string response_text(const Response& response, Persistence persistence, Content content, Cors cors)
{
    std::string out;
    out.reserve(512 + (content == Content::sent ? response.body.size() : 0));
    out += "HTTP/1.1 ";
    out += std::to_string(response.status);
    out += ' ';
    out += phrase_of(response.status);
    out += "\r\n";
    if (response.status != 204) {
        append_header(out, "Content-Type", response.content_type);
        append_header(out, "Content-Length", std::to_string(response.body.size()));
    }
    switch (persistence) {
    case Persistence::close:
        out += "Connection: close\r\n";
        break;
    case Persistence::keep_alive:
        break;
    case Persistence::keep_alive_1_0:
        out += "Connection: keep-alive\r\n";
        break;
    }
    if (cors == Cors::everybody) out += kCors;
    for (const auto& [name, value] : response.headers) append_header(out, name, value);
    out += "\r\n";
    if (content == Content::sent && response.status != 204) out += response.body;
    return out;
}

} // namespace adit::http
