#include "operate/web_look.h"

#include "base/ascii.h"
#include "base/check.h"

#include <algorithm>
#include <curl/curl.h>
#include <memory>

namespace adit::operate {

namespace {

constexpr std::size_t kMostBody = 1 << 20;
constexpr std::size_t kMostHeaders = 128 << 10;
constexpr std::string_view kExpiry = "Expire date:";
constexpr std::string_view kNames = "X509v3 Subject Alternative Name:";

struct EasyEnd {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListEnd {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyEnd>;

Easy make_easy()
{
    static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    CHECK(code == CURLE_OK);
    Easy easy(curl_easy_init());
    CHECK(easy != nullptr);
    return easy;
}

std::optional<UnixSeconds> time_of(const std::string& text)
{
    const time_t time = curl_getdate(text.c_str(), nullptr);
    if (time <= 0) return std::nullopt;
    return UnixSeconds(time);
}

struct Collected {
    WebAnswer answer;
    std::size_t header_bytes = 0;
};

size_t on_body(char* bytes, size_t size, size_t count, void* user) noexcept
{
    std::string& body = static_cast<Collected*>(user)->answer.body;
    body.append(bytes, std::min(size * count, kMostBody - body.size()));
    return body.size() == kMostBody ? 0 : size * count; // enough was seen
}

size_t on_header(char* bytes, size_t size, size_t count, void* user) noexcept
{
    auto& into = *static_cast<Collected*>(user);
    const std::string_view line = trimmed(std::string_view(bytes, size * count), " \t\r\n");
    into.header_bytes += size * count;
    if (into.header_bytes > kMostHeaders) return 0;
    if (line.starts_with("HTTP/")) into.answer.headers.clear(); // what came before was a 1xx
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return size * count;
    const std::string name = to_lower(line.substr(0, colon));
    const std::string value(trimmed(line.substr(colon + 1), " \t"));
    if (name == "date") into.answer.date = time_of(value);
    into.answer.headers.emplace_back(name, value);
    return size * count;
}

/// The first field of the server's own certificate that begins so.
std::string certificate_field(CURL* easy, std::string_view beginning)
{
    curl_certinfo* chain = nullptr;
    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || !chain || chain->num_of_certs < 1) return {};
    for (const curl_slist* field = chain->certinfo[0]; field; field = field->next)
        if (const std::string_view text = field->data; text.starts_with(beginning))
            return std::string(text.substr(beginning.size()));
    return {};
}

WebStep step_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return WebStep::address;
    case CURLE_COULDNT_CONNECT:
        return WebStep::connection;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return WebStep::certificate;
    default:
        return WebStep::answer;
    }
}

/// A timeout belongs to the step that it cut short.
WebStep step_of_timeout(CURL* easy)
{
    curl_off_t resolved = 0;
    curl_off_t connected = 0;
    curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
    curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
    if (resolved == 0) return WebStep::address;
    return connected == 0 ? WebStep::connection : WebStep::answer;
}

void set_common(CURL* easy, const std::string& url, Milliseconds timeout)
{
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); // a name server that hangs is not waited for
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "adit/" ADIT_VERSION);
    curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
}

} // namespace

std::vector<std::string> WebAnswer::all(std::string_view name) const
{
    std::vector<std::string> values;
    for (const auto& [each, value] : headers)
        if (each == name) values.push_back(value);
    return values;
}

WebSight look_at(const WebAsk& ask)
{
    const Easy easy = make_easy();
    std::unique_ptr<curl_slist, ListEnd> headers;
    const auto add = [&](const std::string& line) {
        if (curl_slist* const longer = curl_slist_append(headers.get(), line.c_str())) {
            static_cast<void>(headers.release());
            headers.reset(longer);
        }
    };
    for (const auto& [name, value] : ask.headers) {
        std::string line = name;
        line += ": ";
        line += value;
        add(line);
    }
    if (ask.method == "POST") add("Content-Type: application/json");
    Collected collected;
    char words[CURL_ERROR_SIZE] = "";
    set_common(easy.get(), ask.url, ask.timeout);
    curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, ask.method.c_str());
    if (ask.method == "POST") {
        curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(ask.body.size()));
        curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, ask.body.c_str());
    }
    curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &collected);
    curl_easy_setopt(easy.get(), CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(easy.get(), CURLOPT_HEADERDATA, &collected);
    curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, words);
    if (!ask.ca_file.empty()) {
        curl_easy_setopt(easy.get(), CURLOPT_CAINFO, ask.ca_file.c_str());
        curl_easy_setopt(easy.get(), CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    const CURLcode code = curl_easy_perform(easy.get());
    if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && collected.answer.body.size() == kMostBody)) {
        const WebStep step = code == CURLE_OPERATION_TIMEDOUT ? step_of_timeout(easy.get()) : step_of(code);
        return WebFailure{step, *words ? words : curl_easy_strerror(code)};
    }
    WebAnswer& answer = collected.answer;
    long status = 0;
    char* address = nullptr;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy.get(), CURLINFO_PRIMARY_IP, &address);
    answer.status = static_cast<int>(status);
    if (address) answer.address = address;
    if (const auto end = certificate_field(easy.get(), kExpiry); !end.empty()) answer.certificate_end = time_of(end);
    return std::move(answer);
}

std::vector<std::string> certificate_names(const std::string& url, Milliseconds timeout)
{
    const Easy easy = make_easy();
    set_common(easy.get(), url, timeout);
    // What is not trusted is looked at all the same; no request is sent to it.
    curl_easy_setopt(easy.get(), CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy.get(), CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy.get(), CURLOPT_CONNECT_ONLY, 1L);
    std::vector<std::string> names;
    if (curl_easy_perform(easy.get()) != CURLE_OK) return names;
    const std::string field = certificate_field(easy.get(), kNames);
    std::string_view rest = field;
    while (!rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view item = trimmed(rest.substr(0, comma), " \t");
        rest.remove_prefix(std::min(comma + 1, rest.size()));
        const std::size_t colon = item.find(':');
        if (colon != std::string_view::npos) names.emplace_back(item.substr(colon + 1));
    }
    return names;
}

} // namespace adit::operate
