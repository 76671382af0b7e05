// What tests rely on beyond the contract that it shares with the real devices.
#include "wg/memory_device.h"

#include "wg/peers.h"

#include <gtest/gtest.h>

namespace adit::wg {

TEST(MemoryDevice, ItsMoodsSayHowMuchOfABatchHappened)
{
    using Mood = MemoryDevice::Mood;
    const auto peers_after = [](Mood mood) {
        MemoryDevice device;
        device.set_mood(mood);
        const auto applied = device.apply(puts(10));
        EXPECT_EQ(applied.has_value(), mood == Mood::works);
        if (!applied) {
            EXPECT_EQ(applied.error().reason,
                      mood == Mood::absent ? Reason::device_absent : Reason::device_unavailable);
        }
        device.set_mood(Mood::works);
        return device.status().value().peers.size();
    };
    EXPECT_EQ(peers_after(Mood::works), 10u);
    EXPECT_EQ(peers_after(Mood::refuses), 0u);
    EXPECT_EQ(peers_after(Mood::refuses_after_half), 5u);
    EXPECT_EQ(peers_after(Mood::silent_after_applying), 10u);
    EXPECT_EQ(peers_after(Mood::absent), 0u);
}

TEST(MemoryDevice, CountersStartAgainWithARePutOnly)
{
    MemoryDevice device;
    ASSERT_TRUE(device.apply(puts(1)));
    device.add_traffic(key_number(1), 5, 7);
    device.set_handshake(key_number(1), UnixSeconds(9));
    ASSERT_TRUE(device.apply(puts(1)));
    EXPECT_EQ(device.status().value().peers[0].received_bytes, 5u);
    EXPECT_EQ(device.status().value().peers[0].sent_bytes, 7u);
    EXPECT_EQ(device.status().value().peers[0].last_handshake, UnixSeconds(9));
    ASSERT_TRUE(device.apply(removals(1)));
    ASSERT_TRUE(device.apply(puts(1)));
    EXPECT_EQ(device.status().value().peers[0].received_bytes, 0u);
    EXPECT_EQ(device.status().value().peers[0].last_handshake, std::nullopt);
}

TEST(MemoryDevice, APutWithoutPresharedKeyTakesTheOldOneAway)
{
    MemoryDevice device;
    std::vector<PeerChange> with_secret = puts(1);
    std::get<PeerPut>(with_secret[0]).preshared_key = secret_of(3);
    ASSERT_TRUE(device.apply(with_secret));
    ByteArray<32> threes{};
    threes.fill(3);
    EXPECT_EQ(device.preshared_key(key_number(1)), threes);
    ASSERT_TRUE(device.apply(puts(1)));
    EXPECT_EQ(device.preshared_key(key_number(1)), std::nullopt);
}

} // namespace adit::wg
