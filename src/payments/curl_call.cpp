#include "payments/curl_call.h"

#include <algorithm>
#include <cstring>
#include <sodium.h>

namespace adit::payments {
namespace {

constexpr Milliseconds kConnectTimeout{5'000};

bool is_header_safe(const std::string& text)
{
    return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

/// True if curl took every option.
class Options {
public:
    explicit Options(CURL* easy) : easy_(easy) {}
    template<typename Value>
    Options& set(CURLoption option, Value value)
    {
        good_ = good_ && curl_easy_setopt(easy_, option, value) == CURLE_OK;
        return *this;
    }
    bool good() const { return good_; }

private:
    CURL* easy_;
    bool good_ = true;
};

} // namespace

void init_curl()
{
    static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    CHECK(code == CURLE_OK);
}

void CurlCall::WipeHeaders::operator()(curl_slist* list) const
{
    for (const curl_slist* item = list; item != nullptr; item = item->next)
        sodium_memzero(item->data, std::strlen(item->data));
    curl_slist_free_all(list);
}

bool CurlCall::add_header(const std::string& line)
{
    if (!is_header_safe(line)) {
        problem_ = "a header with a line break";
        return false;
    }
    curl_slist* const next = curl_slist_append(headers_.get(), line.c_str());
    if (next == nullptr) return false;
    static_cast<void>(headers_.release());
    headers_.reset(next);
    return true;
}

CurlCall::CurlCall(CURL* easy, const HttpCall& call, OnBody on_body, void* user)
{
    const bool post = call.method == "POST";
    CHECK(post || call.method == "GET");
    bool good = add_header("Accept: application/json") && add_header("Expect:");
    if (post) good = good && add_header("Content-Type: " + call.content_type);
    for (const auto& [name, value] : call.headers) {
        std::string line = name;
        line += ": ";
        line += value;
        good = good && add_header(line);
    }
    if (call.secret_header) good = good && add_header(call.secret_header->expose());

    Options options(easy);
    options.set(CURLOPT_URL, call.url.c_str())
        .set(CURLOPT_PROTOCOLS_STR, "http,https")
        .set(CURLOPT_FOLLOWLOCATION, 0L)
        .set(CURLOPT_SSL_VERIFYPEER, 1L)
        .set(CURLOPT_SSL_VERIFYHOST, 2L)
        .set(CURLOPT_PROXY, "") // not the one that the environment names
        .set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED))
        .set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1))
        .set(CURLOPT_NOSIGNAL, 1L)
        .set(CURLOPT_TCP_NODELAY, 1L)
        .set(CURLOPT_TCP_KEEPALIVE, 1L)
        .set(CURLOPT_USERAGENT, "adit/" ADIT_VERSION)
        .set(CURLOPT_HTTPHEADER, headers_.get())
        .set(CURLOPT_WRITEFUNCTION, on_body)
        .set(CURLOPT_WRITEDATA, user)
        .set(CURLOPT_TIMEOUT_MS, static_cast<long>(call.timeout.count()));
    const bool endless = call.timeout == Milliseconds::zero();
    const Milliseconds connect_timeout = endless ? kConnectTimeout : std::min(call.timeout, kConnectTimeout);
    options.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
    if (post)
        options.set(CURLOPT_POST, 1L)
            .set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()))
            .set(CURLOPT_POSTFIELDS, call.body.data());
    if (!call.ca_file.empty())
        options.set(CURLOPT_CAINFO, call.ca_file.c_str())
            .set(CURLOPT_CAPATH, static_cast<const char*>(nullptr)) // the system's, otherwise
            .set(CURLOPT_CA_CACHE_TIMEOUT, 0L);                     // a new certificate in the file counts at once
    if (!problem_ && (!good || !options.good())) problem_ = "libcurl refuses the request";
}

} // namespace adit::payments
