#include "payments/http_client.h"

#include "payments/curl_call.h"

#include <algorithm>

namespace adit::payments {
namespace {

constexpr std::size_t kMaxIdlePerOrigin = 64; // as many as workers
constexpr std::size_t kMaxOrigins = 64;

Error unreachable(std::string what) { return Error{Reason::mint_unreachable, std::move(what)}; }

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
    if (call.timeout <= Milliseconds::zero()) return unreachable("no time left");
    const std::string origin = origin_of(call.url);
    auto handle = take(origin);
    HttpReply reply;
    const CurlCall prepared(handle->easy, call, &on_body, &reply.body);
    if (prepared.problem()) return unreachable(prepared.problem());

    const CURLcode code = curl_easy_perform(handle->easy);
    long status = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (retry_after_s > 0) reply.retry_after = std::min(Seconds(retry_after_s), Seconds(86400));
    curl_easy_reset(handle->easy); // keeps its connections, and points to nothing of this call any more
    give_back(origin, std::move(handle));
    if (code == CURLE_WRITE_ERROR) return unreachable("the answer is too large");
    if (code != CURLE_OK) return unreachable(curl_easy_strerror(code));
    reply.status = static_cast<int>(status);
    return reply;
}

} // namespace adit::payments
