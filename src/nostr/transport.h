// nostr/transport.h - one websocket to one relay, as the relay link sees it. lws_transport.h is the real one.
#pragma once

#include <string>
#include <string_view>

namespace adit::nostr {

/// What a transport tells. Called on the loop thread, never from inside a call to the transport.
class TransportListener {
public:
    virtual ~TransportListener() = default;
    virtual void transport_opened() = 0;
    /// One whole text message, at most the transport's limit. The view ends with the call.
    virtual void transport_message(std::string_view text) = 0;
    virtual void transport_pong() = 0;
    /// Opening failed, or the other side is gone, or it broke a limit. Not called after our own close().
    virtual void transport_closed(std::string why) = 0;
};

/// Loop thread only. No call blocks.
class Transport {
public:
    virtual ~Transport() = default;
    /// Begins to connect. Answered by transport_opened or transport_closed, or never: the caller has the timer.
    virtual void open() = 0;
    /// False when more waits to go out than the transport will hold; the message is not taken then.
    [[nodiscard]] virtual bool send(std::string text) = 0;
    virtual void ping() = 0;
    /// Ends whatever is going on, at once and silently. open() may follow.
    virtual void close() = 0;
};

} // namespace adit::nostr
