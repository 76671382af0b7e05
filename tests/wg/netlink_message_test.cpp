#include "wg/netlink_message.h"

#include "wg/netlink_codec.h"
#include "wg/peers.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <map>
#include <random>

namespace adit::wg::netlink {

namespace {

// All literal messages are as a little-endian machine has them; netlink is in the host's order.
Bytes hex(std::string_view text)
{
    std::string digits;
    for (const char c : text)
        if (c != ' ' && c != '\n') digits += c;
    return parse_hex(digits).value();
}

std::string hex_of(const WipedBytes& bytes) { return encode_hex(bytes); }

std::vector<WipedBytes> encode_all(std::span<const PeerChange> changes, std::size_t limit = kMessageLimit)
{
    SetDeviceEncoder encoder(0x1c, "wg0", changes, 7, limit);
    std::vector<WipedBytes> out;
    while (auto message = encoder.next()) {
        EXPECT_EQ(encoder.sequence(), 7 + out.size());
        out.push_back(std::move(*message));
    }
    return out;
}

/// What a kernel would have after these messages, by a reader that shares no code with the one in src.
struct SeenPeer {
    bool removed = false;
    unsigned fragments = 0;
    bool has_preshared_key = false;
    std::vector<std::string> addresses;
};
struct Reader {
    ByteView bytes;
    std::size_t at = 0;
    std::uint32_t take(unsigned size)
    {
        std::uint32_t out = 0;
        for (unsigned i = 0; i < size; ++i) out |= std::uint32_t{bytes[at + i]} << (8 * i);
        at += size;
        return out;
    }
};

void read_peer(ByteView peer, std::map<std::string, SeenPeer>& seen)
{
    Reader in{peer};
    std::string key;
    while (in.at < peer.size()) {
        const std::size_t start = in.at;
        const std::uint32_t length = in.take(2);
        const std::uint32_t type = in.take(2);
        const ByteView payload = peer.subspan(start + 4, length - 4);
        if (type == 1) {
            key = encode_hex(payload);
            ++seen[key].fragments;
        } else if (type == 3) {
            EXPECT_EQ(seen[key].fragments, 1u) << "flags belong in the first fragment only";
            EXPECT_TRUE(payload[0] == 1 || payload[0] == 2);
            seen[key].removed = payload[0] == 1;
        } else if (type == 2) {
            EXPECT_EQ(seen[key].fragments, 1u) << "a preshared key belongs in the first fragment only";
            seen[key].has_preshared_key = payload[0] != 0;
        } else if (type == (9 | 0x8000)) {
            for (std::size_t i = 0; i < payload.size();) {
                const std::size_t size = payload[i];
                seen[key].addresses.push_back(encode_hex(payload.subspan(i + 4 + 8 + 4, size == 40 ? 16 : 4)));
                i += size;
            }
        } else {
            ADD_FAILURE() << "attribute " << type;
        }
        in.at = start + (length + 3) / 4 * 4;
    }
}

std::map<std::string, SeenPeer> read_all(const std::vector<WipedBytes>& messages)
{
    std::map<std::string, SeenPeer> seen;
    for (const WipedBytes& message : messages) {
        Reader in{message};
        EXPECT_EQ(in.take(4), message.size());
        EXPECT_EQ(in.take(2), 0x1cu);
        EXPECT_EQ(in.take(2), 5u); // REQUEST | ACK
        in.at = 16;
        EXPECT_EQ(in.take(4), 0x0101u);                                              // SET_DEVICE, version 1
        EXPECT_EQ(encode_hex(ByteView(message).subspan(20, 8)), "0800020077673000"); // IFNAME "wg0"
        in.at = 28;
        const std::uint32_t length = in.take(2);
        EXPECT_EQ(in.take(2), 0x8008u);
        EXPECT_EQ(28 + length, message.size());
        while (in.at < message.size()) {
            const std::size_t start = in.at;
            const std::uint32_t size = in.take(2);
            EXPECT_EQ(in.take(2), 0x8000u);
            read_peer(ByteView(message).subspan(start + 4, size - 4), seen);
            in.at = start + size;
        }
    }
    return seen;
}

/// An answer of the kernel, built by hand.
Bytes attribute(std::uint16_t type, ByteView payload)
{
    Bytes out;
    const std::size_t length = payload.size() + 4;
    out.push_back(static_cast<std::uint8_t>(length));
    out.push_back(static_cast<std::uint8_t>(length >> 8));
    out.push_back(static_cast<std::uint8_t>(type));
    out.push_back(static_cast<std::uint8_t>(type >> 8));
    append(out, payload);
    out.resize((out.size() + 3) / 4 * 4);
    return out;
}
Bytes joined(std::initializer_list<Bytes> parts)
{
    Bytes out;
    for (const Bytes& part : parts) append(out, part);
    return out;
}
Bytes answer(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence, ByteView payload)
{
    Bytes out;
    const auto number = [&out](std::uint64_t value, unsigned size) {
        for (unsigned i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    };
    number(payload.size() + 16, 4);
    number(type, 2);
    number(flags, 2);
    number(sequence, 4);
    number(1234, 4);
    append(out, payload);
    out.resize((out.size() + 3) / 4 * 4);
    return out;
}
Bytes device_answer(std::uint16_t flags, const Bytes& attributes)
{
    return answer(0x1c, flags, 9, joined({hex("00010000"), attributes}));
}
Bytes done(std::int32_t code)
{
    const auto bits = static_cast<std::uint32_t>(code);
    const Bytes payload{static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>(bits >> 8),
                        static_cast<std::uint8_t>(bits >> 16), static_cast<std::uint8_t>(bits >> 24)};
    return answer(3, 2, 9, payload);
}
Bytes nested(std::uint16_t type, std::initializer_list<Bytes> parts)
{
    return attribute(static_cast<std::uint16_t>(type | 0x8000), joined(parts));
}
Bytes allowed_v4(std::uint8_t last, std::uint8_t prefix)
{
    return nested(0, {attribute(1, hex("0200")), attribute(2, Bytes{10, 8, 0, last}), attribute(3, Bytes{prefix})});
}
Bytes key_attribute(std::uint32_t number) { return attribute(1, key_number(number).bytes()); }

Bytes two_peers()
{
    return joined(
        {attribute(1, hex("05000000")), attribute(2, hex("77673000")), attribute(3, Bytes(32, 0xaa)),
         attribute(4, key_number(99).bytes()), attribute(6, hex("6ccb")), attribute(7, hex("00000000")),
         nested(8, {nested(0, {key_attribute(1), attribute(2, Bytes(32, 0)),
                               attribute(6, hex("00f2052a010000000000000000000000")), attribute(5, hex("1900")),
                               attribute(8, hex("0200000000000000")), attribute(7, hex("0100000000000000")),
                               attribute(10, hex("01000000")), nested(9, {allowed_v4(2, 32)})}),
                    nested(0, {key_attribute(2), attribute(6, Bytes(16, 0)),
                               nested(9, {nested(0, {attribute(1, hex("0a00")), attribute(2, Bytes(16, 0xfd)),
                                                     attribute(3, Bytes{128})})})})})});
}

} // namespace

TEST(NetlinkMessage, AsksForTheFamilyByName)
{
    EXPECT_EQ(hex_of(encode_get_family(3)), encode_hex(hex("24000000 1000 0100 03000000 00000000" // nlmsghdr
                                                           "03 01 0000"                           // GETFAMILY
                                                           "0e00 0200 776972656775617264 00 0000")));
}

TEST(NetlinkMessage, ReadsTheFamilyNumberAmongOtherAttributes)
{
    const Bytes good = hex("01020000 0e000200 776972656775617264000000 06000100 1c000000 08000300 01000000");
    EXPECT_EQ(parse_family(good).value(), 0x1c);
    EXPECT_FALSE(parse_family(hex("01020000 06000100 03000000"))); // below any family's
    for (std::size_t size = 0; size < 26; ++size) EXPECT_FALSE(parse_family(ByteView(good).first(size))) << size;
}

TEST(NetlinkMessage, AsksForADump)
{
    EXPECT_EQ(hex_of(encode_get_device(0x1c, "wg0", 9)),
              encode_hex(hex("1c000000 1c00 0103 09000000 00000000 00 01 0000 0800 0200 77673000")));
}

TEST(NetlinkMessage, APutAndARemovalAreThisByteForByte)
{
    std::vector<PeerChange> changes;
    PeerPut both = put(key_number(1), {address("10.8.0.2"), address("fd00::2")});
    both.preshared_key = secret_of(0x55);
    changes.emplace_back(std::move(both));
    changes.emplace_back(PeerRemove{key_number(2)});
    const auto messages = encode_all(changes);
    ASSERT_EQ(messages.size(), 1u);
    const std::string key1 = key_number(1).hex();
    const std::string key2 = key_number(2).hex();
    EXPECT_EQ(hex_of(messages[0]),
              encode_hex(hex("ec000000 1c00 0500 07000000 00000000" // 236 bytes, REQUEST|ACK, sequence 7
                             "01 01 0000"                           // SET_DEVICE, version 1
                             "0800 0200 77673000"                   // IFNAME
                             "d000 0880"                            // PEERS
                             "9c00 0080"                            // the first peer
                             "2400 0100" +
                             key1 +               //
                             "0800 0300 02000000" // REPLACE_ALLOWEDIPS
                             "2400 0200" +
                             std::string(64, '5') + // PRESHARED_KEY
                             "4800 0980"            // ALLOWEDIPS
                             "1c00 0080 0600 0100 0200 0000 0800 0200 0a080002 0500 0300 20 000000"
                             "2800 0080 0600 0100 0a00 0000"
                             "1400 0200 fd000000000000000000000000000002 0500 0300 80 000000"
                             "3000 0080 2400 0100" +
                             key2 + "0800 0300 01000000"))); // REMOVE_ME
}

TEST(NetlinkMessage, APutWithoutPresharedKeyWritesZerosOverAnOldOne)
{
    const auto messages = encode_all(batch(put(key_number(1), {address("10.8.0.2")})));
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_NE(hex_of(messages[0]).find("24000200" + std::string(64, '0')), std::string::npos);
}

TEST(NetlinkMessage, AnEmptyBatchIsNoMessage) { EXPECT_TRUE(encode_all({}).empty()); }

TEST(NetlinkMessage, TenThousandPeersFitInBoundedMessagesWithNoneLost)
{
    const auto changes = puts(10'000);
    const auto messages = encode_all(changes);
    std::size_t total = 0;
    for (const auto& message : messages) {
        EXPECT_LE(message.size(), kMessageLimit);
        total += message.size();
    }
    const auto seen = read_all(messages);
    ASSERT_EQ(seen.size(), 10'000u);
    for (std::uint32_t i = 1; i <= 10'000; ++i) {
        const SeenPeer& peer = seen.at(key_number(i).hex());
        EXPECT_EQ(peer.fragments, 1u);
        EXPECT_FALSE(peer.removed);
        ASSERT_EQ(peer.addresses.size(), 1u);
        EXPECT_EQ(peer.addresses[0], encode_hex(ByteView(address_number(i).bytes).first(4)));
    }
    EXPECT_LE(messages.size(), total / (kMessageLimit - 256) + 1) << "messages are filled";

    const auto removed = read_all(encode_all(removals(10'000)));
    EXPECT_EQ(std::ranges::count_if(removed, [](const auto& peer) { return peer.second.removed; }), 10'000);
}

TEST(NetlinkMessage, APeerTooBigForAMessageGoesOnInTheNextWithoutItsFlags)
{
    std::vector<HostAddress> many;
    for (std::uint32_t i = 0; i < 3000; ++i) many.push_back(address_number(i));
    PeerPut big = put(key_number(2), many);
    big.preshared_key = secret_of(1);
    const auto changes = batch(put(key_number(1), {address("10.9.0.1")}), std::move(big),
                               put(key_number(3), {address("10.9.0.3"), address("fd00::3")}));
    for (const std::size_t limit : {std::size_t{512}, std::size_t{1000}, std::size_t{4096}, kMessageLimit}) {
        const auto messages = encode_all(changes, limit);
        for (const auto& message : messages) EXPECT_LE(message.size(), limit);
        const auto seen = read_all(messages);
        ASSERT_EQ(seen.size(), 3u);
        const SeenPeer& peer = seen.at(key_number(2).hex());
        EXPECT_TRUE(peer.has_preshared_key);
        EXPECT_GT(peer.fragments, 1u);
        ASSERT_EQ(peer.addresses.size(), 3000u);
        for (std::uint32_t i = 0; i < 3000; ++i)
            ASSERT_EQ(peer.addresses[i], encode_hex(ByteView(address_number(i).bytes).first(4)));
        EXPECT_EQ(seen.at(key_number(3).hex()).addresses.size(), 2u);
    }
}

TEST(NetlinkDump, ReadsTheDeviceAndItsPeers)
{
    DeviceDump dump(9);
    EXPECT_EQ(dump.feed(device_answer(2, two_peers())).value(), DeviceDump::Progress::more);
    EXPECT_EQ(dump.feed(done(0)).value(), DeviceDump::Progress::done);
    const DeviceStatus status = dump.take();
    EXPECT_EQ(status.public_key, key_number(99));
    EXPECT_EQ(status.listen_port, 0xcb6c);
    ASSERT_EQ(status.peers.size(), 2u);
    EXPECT_EQ(status.peers[0].key, key_number(1));
    EXPECT_EQ(status.peers[0].received_bytes, 1u);
    EXPECT_EQ(status.peers[0].sent_bytes, 2u);
    EXPECT_EQ(status.peers[0].last_handshake, UnixSeconds(0x12a05f200));
    EXPECT_EQ(status.peers[0].allowed_ips, std::vector{range("10.8.0.2/32")});
    EXPECT_EQ(status.peers[1].last_handshake, std::nullopt);
    ASSERT_EQ(status.peers[1].allowed_ips.size(), 1u);
    EXPECT_EQ(status.peers[1].allowed_ips[0].prefix, 128);
}

TEST(NetlinkDump, MergesOnlyAdjacentPartsOfOnePeer)
{
    DeviceDump dump(9);
    const auto part = [](std::uint32_t key, std::uint8_t ip, bool with_counters) {
        return device_answer(2, nested(8, {nested(0, {key_attribute(key),
                                                      with_counters ? attribute(7, hex("0700000000000000")) : Bytes{},
                                                      nested(9, {allowed_v4(ip, 32)})})}));
    };
    EXPECT_TRUE(dump.feed(part(1, 2, true)));
    EXPECT_TRUE(dump.feed(part(1, 3, false)));
    EXPECT_TRUE(dump.feed(joined({part(2, 4, true), done(0)})));
    const DeviceStatus status = dump.take();
    ASSERT_EQ(status.peers.size(), 2u);
    EXPECT_EQ(status.peers[0].allowed_ips, (std::vector{range("10.8.0.2/32"), range("10.8.0.3/32")}));
    EXPECT_EQ(status.peers[0].received_bytes, 7u);
}

TEST(NetlinkDump, AnInterruptedDumpIsToBeReadAgain)
{
    DeviceDump flagged(9);
    EXPECT_EQ(flagged.feed(device_answer(2 | 0x10, two_peers())).value(), DeviceDump::Progress::more);
    EXPECT_EQ(flagged.feed(done(0)).value(), DeviceDump::Progress::interrupted);
    DeviceDump coded(9);
    EXPECT_EQ(coded.feed(done(-EINTR)).value(), DeviceDump::Progress::interrupted);
}

TEST(NetlinkDump, TheErrorAtItsEndSaysWhetherTheDeviceIsThere)
{
    const auto reason = [](std::int32_t code) { return DeviceDump(9).feed(done(code)).error().reason; };
    EXPECT_EQ(reason(-ENODEV), Reason::device_absent);
    EXPECT_EQ(reason(-EOPNOTSUPP), Reason::device_absent);
    EXPECT_EQ(reason(-EPERM), Reason::device_unavailable);
    EXPECT_EQ(reason(-ENOMEM), Reason::device_unavailable);
    EXPECT_EQ(reason(5), Reason::device_unavailable); // no errno at all
    EXPECT_EQ(reason(INT32_MIN), Reason::device_unavailable);
}

TEST(NetlinkDump, AnswersToOtherRequestsArePassedOver)
{
    DeviceDump dump(10); // the answers below are to 9
    EXPECT_EQ(dump.feed(joined({device_answer(2, two_peers()), done(0)})).value(), DeviceDump::Progress::more);
    EXPECT_TRUE(dump.take().peers.empty());
}

TEST(NetlinkDump, ReadsTenThousandPeers)
{
    DeviceDump dump(9);
    for (std::uint32_t i = 1; i <= 10'000; ++i) {
        const auto last = static_cast<std::uint8_t>(i);
        ASSERT_TRUE(
            dump.feed(device_answer(2, nested(8, {nested(0, {key_attribute(i), nested(9, {allowed_v4(last, 32)})})}))));
    }
    ASSERT_EQ(dump.feed(done(0)).value(), DeviceDump::Progress::done);
    EXPECT_EQ(dump.take().peers.size(), 10'000u);
}

TEST(NetlinkDump, RefusesATruncatedMessageAtEveryLength)
{
    const Bytes whole = device_answer(2, two_peers());
    for (std::size_t size = 1; size < whole.size(); ++size)
        EXPECT_FALSE(DeviceDump(9).feed(ByteView(whole).first(size))) << size;
}

TEST(NetlinkDump, RefusesPeersThatMakeNoSense)
{
    const auto refused = [](const Bytes& peer) {
        return !DeviceDump(9).feed(device_answer(2, nested(8, {peer}))).has_value();
    };
    EXPECT_TRUE(refused(nested(0, {attribute(7, hex("0700000000000000"))}))) << "no key";
    EXPECT_TRUE(refused(nested(0, {attribute(1, Bytes(31, 1))}))) << "short key";
    EXPECT_TRUE(refused(nested(0, {key_attribute(1), nested(9, {allowed_v4(2, 33)})}))) << "prefix";
    EXPECT_TRUE(refused(nested(0, {key_attribute(1), nested(9, {nested(0, {attribute(1, hex("0100"))})})})))
        << "family";
    EXPECT_TRUE(refused(nested(
        0, {key_attribute(1),
            nested(9, {nested(0, {attribute(1, hex("0a00")), attribute(2, Bytes(4, 1)), attribute(3, Bytes{32})})})})))
        << "IPv6 of four bytes";
    EXPECT_FALSE(refused(nested(0, {key_attribute(1), attribute(77, Bytes(9, 1))})))
        << "an attribute of a newer kernel";
}

TEST(NetlinkDump, SurvivesRandomChangesToAnAnswer)
{
    const Bytes whole = joined({device_answer(2, two_peers()), done(0)});
    std::mt19937 dice(4711); // NOLINT: the same changes every time
    unsigned refused = 0;
    for (int round = 0; round < 20'000; ++round) {
        Bytes changed = whole;
        for (int i = 0; i < 3; ++i) changed[dice() % changed.size()] = static_cast<std::uint8_t>(dice());
        DeviceDump dump(9);
        if (!dump.feed(changed)) ++refused;
    }
    EXPECT_GT(refused, 1000u);
}

} // namespace adit::wg::netlink
