#include "devnet/websocket_frames.h"

#include <openssl/sha.h>

namespace adit::devnet {

std::string accept_of(std::string_view key)
{
    const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    ByteArray<SHA_DIGEST_LENGTH> digest{};
    SHA1(as_bytes(text).data(), text.size(), digest.data());
    return encode_base64(digest);
}

std::string encode_frame(FrameKind kind, std::string_view payload)
{
    Bytes head{static_cast<std::uint8_t>(0x80U | static_cast<std::uint8_t>(kind))};
    if (payload.size() < 126) {
        head.push_back(static_cast<std::uint8_t>(payload.size()));
    } else if (payload.size() < 65536) {
        head.push_back(126);
        head.push_back(static_cast<std::uint8_t>(payload.size() >> 8U));
        head.push_back(static_cast<std::uint8_t>(payload.size() & 0xffU));
    } else {
        head.push_back(127);
        append_u64_be(head, payload.size());
    }
    return std::string(as_text(head)) + std::string(payload);
}

Result<std::optional<Frame>> FrameReader::next()
{
    const ByteView in = as_bytes(in_);
    if (in.size() < 2) return std::optional<Frame>();
    const unsigned opcode = in[0] & 0x0fU;
    const bool control = opcode >= 8;
    std::size_t length = in[1] & 0x7fU;
    if ((in[0] & 0x70U) != 0 || (in[1] & 0x80U) == 0 || (opcode > 2 && opcode < 8) || opcode > 10)
        return Error{Reason::bad_encoding, "not a client's frame"};
    if (control && (length > 125 || (in[0] & 0x80U) == 0)) return Error{Reason::bad_encoding, "control frame"};
    std::size_t head = 2;
    if (length >= 126) {
        const std::size_t bytes = length == 126 ? 2 : 8;
        if (in.size() < head + bytes) return std::optional<Frame>();
        length = 0;
        for (std::size_t i = 0; i < bytes; ++i) length = length << 8U | in[head + i];
        head += bytes;
    }
    if (length > kMaxPayload) return Error{Reason::bad_encoding, "frame too long"};
    if (in.size() < head + 4 + length) return std::optional<Frame>();
    Frame frame{opcode == 0 ? FrameKind::text : static_cast<FrameKind>(opcode), {}};
    for (std::size_t i = 0; i < length; ++i) frame.payload += static_cast<char>(in[head + 4 + i] ^ in[head + i % 4]);
    in_.erase(0, head + 4 + length);
    return std::optional(std::move(frame));
}

} // namespace adit::devnet
