#include "devnet/websocket_frames.h"

#include <gtest/gtest.h>

namespace adit::devnet {
namespace {

std::string masked(std::uint8_t first, const std::string& payload)
{
    std::string frame{static_cast<char>(first), static_cast<char>(0x80U | payload.size())};
    const std::string mask = "\x01\x02\x03\x04";
    frame += mask;
    for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
    return frame;
}

TEST(WebsocketFrames, TheKeyOfTheRfcIsAcceptedAsThere)
{
    EXPECT_EQ(accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebsocketFrames, LengthsAreWrittenInTheShortestForm)
{
    EXPECT_EQ(encode_frame(FrameKind::text, "Hello"), "\x81\x05Hello");
    EXPECT_EQ(encode_frame(FrameKind::ping, ""), std::string("\x89\x00", 2));
    EXPECT_EQ(encode_frame(FrameKind::text, std::string(126, 'x')).substr(0, 4), std::string("\x81\x7e\x00\x7e", 4));
    EXPECT_EQ(encode_frame(FrameKind::text, std::string(65536, 'x')).substr(0, 10),
              std::string("\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10));
}

TEST(WebsocketFrames, FramesAreReadHoweverTheyArrive)
{
    const std::string bytes = masked(0x81, "Hello") + masked(0x89, "") + masked(0x88, "bye");
    FrameReader reader;
    std::vector<Frame> frames;
    for (const char byte : bytes) {
        reader.feed({&byte, 1});
        const auto frame = reader.next();
        ASSERT_TRUE(frame);
        if (*frame) frames.push_back(**frame);
    }
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_EQ(frames[0].payload, "Hello");
    EXPECT_EQ(frames[1].kind, FrameKind::ping);
    EXPECT_EQ(frames[2].kind, FrameKind::close);
}

TEST(WebsocketFrames, WhatNoClientMaySendIsRefused)
{
    const std::string bad[]{
        encode_frame(FrameKind::text, "unmasked"),
        masked(0xc1, "reserved bit"),
        masked(0x83, "reserved opcode"),
        masked(0x8b, "reserved control"),
        masked(0x09, "fragmented ping"),
        std::string("\x89\xfe\x00\x80", 4) + std::string(200, 'x'),
        std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10) + std::string(20, 'x'),
        std::string("\x81\xff\x00\x00\x00\x00\x00\x01\x00\x01", 10) + std::string(20, 'x'),
    };
    for (const std::string& bytes : bad) {
        FrameReader reader;
        reader.feed(bytes);
        EXPECT_FALSE(reader.next()) << encode_hex(as_bytes(bytes.substr(0, 12)));
    }
}

} // namespace
} // namespace adit::devnet
