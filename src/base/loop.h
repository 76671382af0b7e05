// base/loop.h - the one event loop: libwebsockets' service loop, with tasks and timers of ours. style: it never blocks.
#pragma once

#include "base/time.h"

#include <functional>
#include <memory>

struct lws_context;
struct lws_protocols;

namespace adit {

/// Owns the libwebsockets context that every listening and relay socket lives in. run() is called by one thread, the
/// loop thread; everything but post() and stop() is called on that thread, or before run().
class Loop {
public:
    using Task = std::function<void()>;
    using TimerId = std::uint64_t;

    /// `protocols` ends with an all-zero entry and must outlive the loop: the lws callbacks that http, nostr and devnet
    /// bring.
    static std::unique_ptr<Loop> create(const lws_protocols* protocols);
    virtual ~Loop() = default;

    virtual lws_context* context() = 0;
    /// Serves until stop(). Tasks posted before are run first.
    virtual void run() = 0;
    /// Any thread: wakes the loop and runs `task` on it, in the order posted.
    virtual void post(Task task) = 0;
    /// Any thread, and safe in a signal handler's self-pipe reader: run() returns soon after.
    virtual void stop() = 0;
    /// Runs `task` once after `delay` (steady clock, 1 ms steps). The id cancels it; cancelling a fired one does
    /// nothing.
    virtual TimerId after(Milliseconds delay, Task task) = 0;
    virtual void cancel(TimerId id) = 0;
};

} // namespace adit
