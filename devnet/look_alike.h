// devnet/look_alike.h - what the look-alike of a Lightning backend is to the port that it is reached by.
#pragma once

#include "devnet/delivery.h"

#include <memory>

namespace adit::devnet {

/// One request's way back. Loop thread. What is said to a client that has gone, or after the last word, is dropped.
class BackendReply {
public:
    virtual ~BackendReply() = default;
    /// The whole of it.
    virtual void answer(HttpAnswer answer) = 0;
    /// A message of an answer that goes on; nothing at all is sent before the first one.
    virtual void stream(std::string_view message) = 0;
    virtual void end() = 0;
    /// The request becomes a websocket, on which send_text() sends. `protocol`: what was agreed on, or nothing.
    virtual void upgrade(std::string_view protocol) = 0;
    virtual void send_text(std::string_view text) = 0;
    /// Something said now would be sent.
    virtual bool is_open() const = 0;
};
using ReplyPtr = std::shared_ptr<BackendReply>; // shared by the port, which waits for latencies, and who answers later

/// Rules without sockets. Loop thread.
class LookAlike {
public:
    virtual ~LookAlike() = default;
    /// "phoenixd": what the names of its endpoints for faults begin with.
    virtual std::string_view name() const = 0;
    /// "phoenixd.createinvoice"; else "phoenixd.unknown".
    virtual std::string_view endpoint(const http::Request& request) const = 0;
    /// A refusal in its own form.
    virtual HttpAnswer rejection(const Fault& fault) const = 0;
    virtual void handle(const http::Request& request, const ReplyPtr& reply) = 0;
};

} // namespace adit::devnet
