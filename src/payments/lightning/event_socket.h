// payments/lightning/event_socket.h - a websocket that is only listened to, connected again and again.
#pragma once

#include "base/backoff.h"
#include "base/loop.h"
#include "payments/lightning/event_timing.h"
#include "payments/lightning/node_http.h"

#include <functional>
#include <thread>

struct lws;
struct lws_retry_bo;
struct lws_vhost;

namespace adit::payments::lightning {

/// Has a thread and a loop of its own, so that who owns it needs neither. Name lookups block that thread, and stop()
/// with it: a node is named by an address, or by a name that the host or its network answers for.
class EventSocket {
public:
    struct Callbacks {
        std::function<void()> opened;                   // each time
        std::function<void(std::string_view)> received; // one whole text message of at most kMaxMessage bytes
        std::function<void(const std::string&)> lost;   // an open one
    };
    static constexpr std::size_t kMaxMessage = 65'536; // a longer one ends the connection

    /// `access` must outlive it. `path` comes after the node's URL. Callbacks come from the thread.
    EventSocket(const NodeAccess& access, std::string_view path, Callbacks callbacks, EventTiming timing);
    ~EventSocket();
    EventSocket(const EventSocket&) = delete;
    EventSocket& operator=(const EventSocket&) = delete;

    /// libwebsockets' callback, by reason and payload; the return value ends the socket unless it is 0.
    int on_socket(lws* wsi, int reason, void* in, std::size_t length);

private:
    void connect();
    void ended(const std::string& why);
    void give_up(const std::string& why);
    int receive(const char* in, std::size_t length);
    int add_header(unsigned char** at, std::size_t room) const;

    const NodeAccess& access_;
    const std::string path_;
    const Callbacks callbacks_;
    const EventTiming timing_;
    const std::unique_ptr<lws_retry_bo> idle_; // when libwebsockets pings, and when it hangs up
    Backoff backoff_;
    std::unique_ptr<Loop> loop_;
    lws_vhost* vhost_ = nullptr; // owned by the loop's context
    lws* wsi_ = nullptr;
    bool calling_ = false;    // inside lws_client_connect_via_info
    std::string failed_ = {}; // while calling_
    bool open_ = false;
    SteadyTime opened_at_{};
    Loop::TimerId connect_timer_ = 0;
    std::string inbound_;
    std::thread thread_;
};

} // namespace adit::payments::lightning
