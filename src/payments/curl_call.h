// payments/curl_call.h - how every request of ours is put to libcurl. Internal to payments.
#pragma once

#include "payments/http_client.h"

#include <curl/curl.h>

namespace adit::payments {

/// Once per process, before the first handle.
void init_curl();

/// Sets `easy` up for one call, from a fresh or reset handle: TLS verified, no redirects, no proxies from the
/// environment, no cookies. Owns what curl only points to: it outlives the transfer, and `call` does too.
class CurlCall {
public:
    using OnBody = size_t (*)(char* bytes, size_t size, size_t count, void* user);

    /// A timeout of 0 is none.
    CurlCall(CURL* easy, const HttpCall& call, OnBody on_body, void* user);
    /// nullptr, or why there is no such call.
    const char* problem() const { return problem_; }

private:
    struct WipeHeaders {
        void operator()(curl_slist* list) const;
    };
    bool add_header(const std::string& line);

    std::unique_ptr<curl_slist, WipeHeaders> headers_;
    const char* problem_ = nullptr;
};

} // namespace adit::payments
