// payments/http_client.h - requests to mints and Lightning backends, blocking, for workers.
#pragma once

#include "base/result.h"
#include "base/secret_text.h"
#include "base/time.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace adit::payments {

struct HttpCall {
    std::string method; // "GET" or "POST"
    std::string url;    // http or https
    std::string body = {};
    std::vector<std::pair<std::string, std::string>> headers = {};
    Milliseconds timeout = Milliseconds(30'000);   // for the whole exchange
    std::string content_type = "application/json"; // of a POST's body
    const SecretText* secret_header = nullptr;     // a whole header line; borrowed, and our copies of it are wiped
    std::string ca_file = {};                      // certificates in PEM to trust instead of the system's
};

struct HttpReply {
    int status = 0;
    std::string body;
    std::optional<Seconds> retry_after = {}; // where the header gives seconds, at most a day of them
};

/// Any thread may call at any time.
class HttpClient {
public:
    virtual ~HttpClient() = default;
    /// A whole answer of any status. Errors: mint_unreachable: nothing is known about what happened on the other side.
    virtual Result<HttpReply> call(const HttpCall& call) = 0;
};

/// libcurl. Connections stay open and are used again; TLS is verified; no redirects, no proxies from the environment,
/// no cookies, no bodies and no headers in errors; answers over 4 MiB are errors. Where a kept connection turns out to
/// have been closed without one byte of an answer, curl sends the same bytes once more over a new one.
class CurlHttpClient : public HttpClient {
public:
    static constexpr std::size_t kMaxReplyBytes = 4 << 20;

    CurlHttpClient();
    ~CurlHttpClient() override;
    CurlHttpClient(const CurlHttpClient&) = delete;
    CurlHttpClient& operator=(const CurlHttpClient&) = delete;

    Result<HttpReply> call(const HttpCall& call) override;

private:
    struct Handle; // one easy handle with its connections
    std::unique_ptr<Handle> take(const std::string& origin);
    void give_back(const std::string& origin, std::unique_ptr<Handle> handle);

    std::mutex mutex_;
    std::map<std::string, std::vector<std::unique_ptr<Handle>>> idle_; // by scheme, host and port
};

} // namespace adit::payments
