// tests/devnet/tls_client.h - HTTPS by libcurl, with one certificate as the only trust anchor.
#pragma once

#include "devnet/sockets.h"

#include <atomic>

namespace adit::devnet {

struct HttpsCall {
    std::string method = "GET";
    std::string url;
    std::string body = {};
    std::vector<std::string> headers = {};
    std::string trusted_file = {}; // PEM
};

/// The answer's text is its body alone.
struct HttpsReply {
    int status = 0; // 0: no answer
    std::string body;
    std::string failure; // libcurl's word, where the exchange did not end well
};
HttpsReply https(const HttpsCall& call, Milliseconds patience = Milliseconds(5000));

/// An answer that goes on, line by line, on a thread of its own.
class HttpsStream {
public:
    explicit HttpsStream(HttpsCall call);
    /// Gives the connection up.
    ~HttpsStream();
    HttpsStream(const HttpsStream&) = delete;
    HttpsStream& operator=(const HttpsStream&) = delete;

    /// The next line; none when the answer has ended or nothing came in time.
    std::optional<std::string> next(Milliseconds patience = Milliseconds(5000));
    /// Waits for the end of the answer, however it comes.
    bool ended(Milliseconds patience = Milliseconds(5000));
    int status() const { return status_; }

private:
    static std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* stream);
    static int on_progress(void* stream, long long, long long, long long, long long);
    void run(const HttpsCall& call);

    std::atomic<bool> stopping_{false};
    std::atomic<int> status_{0};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string partial_;
    std::deque<std::string> lines_;
    bool ended_ = false;
    std::thread thread_;
};

} // namespace adit::devnet
