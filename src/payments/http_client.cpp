#include "payments/http_client.h"

#include <algorithm>
#include <curl/curl.h>

namespace adit::payments {
namespace {

constexpr std::size_t kMaxIdlePerOrigin = 64; // as many as workers
constexpr std::size_t kMaxOrigins = 64;

Error unreachable(std::string what) { return Error{Reason::mint_unreachable, std::move(what)}; }

/// Once per process, before the first handle.
void init_curl()
{
    static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    CHECK(code == CURLE_OK);
}

std::string origin_of(const std::string& url)
{
    const std::size_t scheme = url.find("://");
    if (scheme == std::string::npos) return url;
    return url.substr(0, url.find('/', scheme + 3));
}

size_t on_body(char* bytes, size_t size, size_t count, void* user) noexcept
{
    auto& body = *static_cast<std::string*>(user);
    const size_t length = size * count;
    if (length > CurlHttpClient::kMaxReplyBytes - body.size()) return 0; // makes curl stop with a write error
    body.append(bytes, length);
    return length;
}

using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

bool add_header(HeaderList& list, const std::string& line)
{
    curl_slist* next = curl_slist_append(list.get(), line.c_str());
    if (next == nullptr) return false;
    static_cast<void>(list.release());
    list.reset(next);
    return true;
}

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

struct CurlHttpClient::Handle {
    Handle() : easy(curl_easy_init()) { CHECK(easy != nullptr); }
    ~Handle() { curl_easy_cleanup(easy); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    CURL* easy;
};

CurlHttpClient::CurlHttpClient() { init_curl(); }
CurlHttpClient::~CurlHttpClient() = default;

std::unique_ptr<CurlHttpClient::Handle> CurlHttpClient::take(const std::string& origin)
{
    {
        const std::lock_guard lock(mutex_);
        auto& idle = idle_[origin];
        if (!idle.empty()) {
            auto handle = std::move(idle.back()); // the warmest one
            idle.pop_back();
            return handle;
        }
    }
    return std::make_unique<Handle>();
}

void CurlHttpClient::give_back(const std::string& origin, std::unique_ptr<Handle> handle)
{
    const std::lock_guard lock(mutex_);
    if (idle_.size() > kMaxOrigins) std::erase_if(idle_, [&](const auto& entry) { return entry.first != origin; });
    auto& idle = idle_[origin];
    if (idle.size() < kMaxIdlePerOrigin) idle.push_back(std::move(handle));
}

Result<HttpReply> CurlHttpClient::call(const HttpCall& call)
{
    const bool post = call.method == "POST";
    CHECK(post || call.method == "GET");
    if (call.timeout <= Milliseconds::zero()) return unreachable("no time left");

    HeaderList headers(nullptr, curl_slist_free_all);
    bool good = add_header(headers, "Accept: application/json") && add_header(headers, "Expect:");
    if (post) good = good && add_header(headers, "Content-Type: application/json");
    for (const auto& [name, value] : call.headers) {
        if (!is_header_safe(name) || !is_header_safe(value)) return unreachable("a header with a line break");
        std::string line = name;
        line += ": ";
        line += value;
        good = good && add_header(headers, line);
    }

    const std::string origin = origin_of(call.url);
    auto handle = take(origin);
    HttpReply reply;
    curl_easy_reset(handle->easy); // keeps its connections
    Options options(handle->easy);
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
        .set(CURLOPT_TIMEOUT_MS, static_cast<long>(call.timeout.count()))
        .set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(call.timeout, kConnectTimeout).count()))
        .set(CURLOPT_USERAGENT, "adit/" ADIT_VERSION)
        .set(CURLOPT_HTTPHEADER, headers.get())
        .set(CURLOPT_WRITEFUNCTION, &on_body)
        .set(CURLOPT_WRITEDATA, &reply.body);
    if (post)
        options.set(CURLOPT_POST, 1L)
            .set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()))
            .set(CURLOPT_POSTFIELDS, call.body.data());
    if (!good || !options.good()) return unreachable("libcurl refuses the request");

    const CURLcode code = curl_easy_perform(handle->easy);
    long status = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (retry_after_s > 0) reply.retry_after = std::min(Seconds(retry_after_s), Seconds(86400));
    give_back(origin, std::move(handle));
    if (code == CURLE_WRITE_ERROR) return unreachable("the answer is too large");
    if (code != CURLE_OK) return unreachable(curl_easy_strerror(code));
    reply.status = static_cast<int>(status);
    return reply;
}

} // namespace adit::payments
