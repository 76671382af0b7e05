// tests/devnet/sockets.h - clients as plain as they come: HTTP by hand, websockets by libwebsockets.
#pragma once

#include "base/bounded_queue.h"
#include "base/loop.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

struct lws;

namespace adit::devnet {

/// What came over one HTTP connection until the answer was whole, the peer closed, or `patience` ran out.
struct RawReply {
    enum class End { whole, closed, silent };
    End end = End::closed;
    std::string text;
    int status() const;
    std::string body() const;
};
/// `url` is http://<IPv4 address>:<port>
RawReply http(const std::string& url, const std::string& method, const std::string& path, const std::string& body = "",
              const std::string& headers = "", Milliseconds patience = Milliseconds(5000));

/// A websocket client on a loop of its own.
class WebsocketClient {
public:
    /// `url` is ws://<IPv4 address>:<port>; `authorization` is the value of that header, or nothing.
    explicit WebsocketClient(const std::string& url, std::string path = "/", std::string authorization = "");
    ~WebsocketClient();
    WebsocketClient(const WebsocketClient&) = delete;
    WebsocketClient& operator=(const WebsocketClient&) = delete;

    void send(std::string text);
    /// The next message; none when the connection has ended or nothing came in time.
    std::optional<std::string> next(Milliseconds patience = Milliseconds(5000));
    /// Waits for the end of the connection.
    bool ended(Milliseconds patience = Milliseconds(5000));
    /// Waits until the handshake has succeeded.
    bool connected(Milliseconds patience = Milliseconds(5000));

private:
    friend struct ClientProtocol;
    const std::string path_;
    const std::string authorization_;
    std::unique_ptr<Loop> loop_;
    std::thread thread_;
    lws* wsi_ = nullptr;          // loop thread
    bool established_ = false;    // written by the loop thread, under the mutex
    std::deque<std::string> out_; // loop thread
    std::string in_;              // loop thread
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::string> messages_;
    bool ended_ = false;
};

} // namespace adit::devnet
