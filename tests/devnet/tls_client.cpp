#include "devnet/tls_client.h"

#include <curl/curl.h>
#include <memory>

namespace adit::devnet {
namespace {

struct Free {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// Headers must outlive the exchange, so they are given back.
std::unique_ptr<curl_slist, Free> prepare(CURL* handle, const HttpsCall& call)
{
    curl_slist* headers = nullptr;
    for (const std::string& header : call.headers) headers = curl_slist_append(headers, header.c_str());
    curl_easy_setopt(handle, CURLOPT_URL, call.url.c_str());
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call.method.c_str());
    if (call.method == "POST") {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(call.body.size()));
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call.body.c_str());
    }
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
    curl_easy_setopt(handle, CURLOPT_CAINFO, call.trusted_file.empty() ? "/dev/null" : call.trusted_file.c_str());
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    return std::unique_ptr<curl_slist, Free>(headers);
}

std::size_t append_to(char* bytes, std::size_t size, std::size_t count, void* text)
{
    static_cast<std::string*>(text)->append(bytes, size * count);
    return size * count;
}

} // namespace

HttpsReply https(const HttpsCall& call, Milliseconds patience)
{
    const std::unique_ptr<CURL, Free> handle(curl_easy_init());
    const auto headers = prepare(handle.get(), call);
    HttpsReply reply;
    curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(patience.count()));
    curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, append_to);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &reply.body);
    if (const CURLcode code = curl_easy_perform(handle.get()); code != CURLE_OK)
        reply.failure = curl_easy_strerror(code);
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    return reply;
}

HttpsStream::HttpsStream(HttpsCall call) : thread_([this, call = std::move(call)] { run(call); }) {}

HttpsStream::~HttpsStream()
{
    stopping_ = true;
    thread_.join();
}

void HttpsStream::run(const HttpsCall& call)
{
    const std::unique_ptr<CURL, Free> handle(curl_easy_init());
    const auto headers = prepare(handle.get(), call);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, this);
    curl_easy_setopt(handle.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle.get(), CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(handle.get(), CURLOPT_XFERINFODATA, this);
    curl_easy_perform(handle.get());
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    status_ = static_cast<int>(status);
    const std::lock_guard lock(mutex_);
    if (!partial_.empty()) lines_.push_back(std::move(partial_));
    ended_ = true;
    changed_.notify_all();
}

std::size_t HttpsStream::on_bytes(char* bytes, std::size_t size, std::size_t count, void* stream)
{
    auto& self = *static_cast<HttpsStream*>(stream);
    const std::lock_guard lock(self.mutex_);
    self.partial_.append(bytes, size * count);
    for (std::size_t end = 0; (end = self.partial_.find('\n')) != std::string::npos; self.partial_.erase(0, end + 1))
        self.lines_.push_back(self.partial_.substr(0, end));
    self.changed_.notify_all();
    return size * count;
}

int HttpsStream::on_progress(void* stream, long long, long long, long long, long long)
{
    return static_cast<HttpsStream*>(stream)->stopping_ ? 1 : 0;
}

std::optional<std::string> HttpsStream::next(Milliseconds patience)
{
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return ended_ || !lines_.empty(); });
    if (lines_.empty()) return std::nullopt;
    std::string line = std::move(lines_.front());
    lines_.pop_front();
    return line;
}

bool HttpsStream::ended(Milliseconds patience)
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return ended_; });
}

} // namespace adit::devnet
