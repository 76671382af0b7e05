// base/loop.h - the one event loop: libwebsockets' service loop, with tasks, timers and sockets of ours. It never
// blocks.
#pragma once

#include "base/time.h"

#include <cstdint>
#include <functional>
#include <memory>

struct lws_context;
struct lws_protocols;

namespace adit {

/// Owns the libwebsockets context that every relay socket lives in, and watches the sockets that are not libwebsockets'
/// (the HTTP server's, the admin socket). run() is called by one thread, the loop thread; everything but post() and
/// stop() is called on that thread, or before run(). Callbacks and tasks must not block and must not throw.
class Loop {
public:
    using Task = std::function<void()>;
    using TimerId = std::uint64_t;

    enum class Interest { none, read, write, read_write };
    /// `hung_up`: the peer is gone in both directions, or the socket has an error; reported whatever the interest.
    struct Ready {
        bool readable = false;
        bool writable = false;
        bool hung_up = false;
    };
    using Watcher = std::function<void(Ready)>;

    /// `protocols` ends with an all-zero entry and must outlive the loop: the lws callbacks that nostr and devnet
    /// bring; nullptr is none. They are on the vhost "default", which clients use unless told otherwise. It is made
    /// without TLS, since reading the system's CA certificates costs milliseconds and megabytes: who connects by wss
    /// calls lws_init_vhost_client_ssl() on it first, with LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT in its options.
    /// Also ignores SIGPIPE and sets this process's soft limit of open files to at most 8192 (libwebsockets allocates
    /// tables of that size). nullptr only when the system refuses memory or descriptors.
    static std::unique_ptr<Loop> create(const lws_protocols* protocols);
    virtual ~Loop() = default;

    virtual lws_context* context() = 0;
    /// Serves until stop(), which may have come before. Tasks posted before the stop are run first.
    virtual void run() = 0;
    /// Any thread: wakes the loop and runs `task` on it, in the order posted. Tasks still there when the loop is
    /// destroyed are destroyed unrun.
    virtual void post(Task task) = 0;
    /// Any thread, and safe in a signal handler's self-pipe reader: run() returns soon after.
    virtual void stop() = 0;
    /// Runs `task` once after `delay` (steady clock, 1 ms steps). The id (never 0) cancels it; cancelling a fired one
    /// does nothing.
    virtual TimerId after(Milliseconds delay, Task task) = 0;
    virtual void cancel(TimerId id) = 0;
    /// Calls `watcher` whenever `fd` is ready for `interest` (level-triggered). The fd stays the caller's, who calls
    /// unwatch() before closing it; both may be done inside the watcher itself. An fd is watched once.
    virtual void watch(int fd, Interest interest, Watcher watcher) = 0;
    virtual void change_interest(int fd, Interest interest) = 0;
    virtual void unwatch(int fd) = 0;
};

} // namespace adit
