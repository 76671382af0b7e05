// devnet/websocket_frames.h - the server's side of a websocket, as bytes. RFC 6455
#pragma once

#include "base/bytes.h"

#include <optional>

namespace adit::devnet {

enum class FrameKind : std::uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

struct Frame {
    FrameKind kind;
    std::string payload;
};

/// What Sec-WebSocket-Accept says to a Sec-WebSocket-Key. RFC 6455 4.2.2
std::string accept_of(std::string_view key);
/// A whole message in one frame, unmasked as servers send.
std::string encode_frame(FrameKind kind, std::string_view payload);

/// Reads what a client sends: masked, in frames of at most kMaxPayload bytes. Fragments are given as they come.
class FrameReader {
public:
    static constexpr std::size_t kMaxPayload = 65536;

    void feed(std::string_view bytes) { in_ += bytes; }
    /// None: more bytes are needed. Errors: bad_encoding (the connection is to be closed).
    Result<std::optional<Frame>> next();

private:
    std::string in_;
};

} // namespace adit::devnet
