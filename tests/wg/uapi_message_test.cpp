#include "wg/uapi_message.h"

#include "wg/peers.h"

#include <gtest/gtest.h>
#include <random>

namespace adit::wg::uapi {

namespace {

const std::string kZeros(64, '0');

std::string good_answer()
{
    return "private_key=" + std::string(62, '0') + "40" +
           "\nlisten_port=51820\nfwmark=0\n"
           "public_key=" +
           key_number(1).hex() + "\npreshared_key=" + kZeros +
           "\nprotocol_version=1\nendpoint=[fe80::1%3]:51820\nlast_handshake_time_sec=1700000000\n"
           "last_handshake_time_nsec=5\ntx_bytes=20\nrx_bytes=10\npersistent_keepalive_interval=25\n"
           "allowed_ip=10.8.0.2/32\nallowed_ip=fd00::2/128\n"
           "public_key=" +
           key_number(2).hex() +
           "\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=18446744073709551615\n"
           "errno=0\n\n";
}

} // namespace

TEST(UapiMessage, KeyAndPortAreThisLetterForLetter)
{
    std::string secret;
    for (int i = 0; i < 32; ++i) secret += "5f";
    EXPECT_EQ(std::string_view(encode_configure({secret_of(0x5f), 51820})),
              "set=1\nprivate_key=" + secret + "\nlisten_port=51820\n\n");
}

TEST(UapiMessage, ABatchIsThisLetterForLetter)
{
    std::vector<PeerChange> changes;
    PeerPut both = put(key_number(1), {address("10.8.0.2"), address("fd00::2")});
    both.preshared_key = secret_of(0x5f);
    changes.emplace_back(std::move(both));
    changes.emplace_back(PeerRemove{key_number(2)});
    changes.emplace_back(put(key_number(3), {address("10.8.0.3")}));
    std::string secret;
    for (int i = 0; i < 32; ++i) secret += "5f";
    EXPECT_EQ(std::string_view(encode_set(changes)),
              "set=1\n"
              "public_key=" +
                  key_number(1).hex() + "\npreshared_key=" + secret +
                  "\nreplace_allowed_ips=true\nallowed_ip=10.8.0.2/32\nallowed_ip=fd00::2/128\n"
                  "public_key=" +
                  key_number(2).hex() +
                  "\nremove=true\n"
                  "public_key=" +
                  key_number(3).hex() + "\npreshared_key=" + kZeros +
                  "\nreplace_allowed_ips=true\nallowed_ip=10.8.0.3/32\n\n");
}

TEST(UapiMessage, ReadsADump)
{
    const DeviceStatus status = parse_get_answer(good_answer()).value();
    protocol::WireguardSecret secret;
    secret.writable()[31] = 0x40;
    EXPECT_EQ(status.public_key, protocol::wireguard_public_key(secret));
    EXPECT_EQ(status.listen_port, 51820);
    ASSERT_EQ(status.peers.size(), 2u);
    EXPECT_EQ(status.peers[0].key, key_number(1));
    EXPECT_EQ(status.peers[0].allowed_ips, (std::vector{range("10.8.0.2/32"), range("fd00::2/128")}));
    EXPECT_EQ(status.peers[0].received_bytes, 10u);
    EXPECT_EQ(status.peers[0].sent_bytes, 20u);
    EXPECT_EQ(status.peers[0].last_handshake, UnixSeconds(1'700'000'000));
    EXPECT_EQ(status.peers[1].received_bytes, UINT64_MAX);
    EXPECT_EQ(status.peers[1].last_handshake, std::nullopt);
}

TEST(UapiMessage, ADeviceWithoutKeyHasNone)
{
    EXPECT_EQ(parse_get_answer("listen_port=1\nerrno=0\n\n").value().public_key, std::nullopt);
    EXPECT_EQ(parse_get_answer("private_key=" + kZeros + "\nerrno=0\n\n").value().public_key, std::nullopt);
}

TEST(UapiMessage, AnErrnoIsARefusal)
{
    EXPECT_TRUE(parse_set_answer("errno=0\n\n"));
    for (const char* text : {"errno=-22\n\n", "errno=22\n\n", "errno=\n\n", "errno=0\n", "errno=0\n\n\n", "", "\n\n",
                             "errno=99999999999999999999\n\n", "public_key=x\nerrno=0\n\n"}) {
        const auto refused = parse_set_answer(text);
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().reason, Reason::device_unavailable);
        EXPECT_FALSE(parse_get_answer(text)) << text;
    }
}

TEST(UapiMessage, RefusesATruncatedDumpAtEveryLength)
{
    const std::string whole = good_answer();
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(parse_get_answer(std::string_view(whole).substr(0, size))) << size;
}

TEST(UapiMessage, RefusesValuesThatMakeNoSense)
{
    const auto refused = [](const std::string& lines) {
        return !parse_get_answer("public_key=" + key_number(1).hex() + "\n" + lines + "errno=0\n\n").has_value();
    };
    EXPECT_FALSE(refused(""));
    EXPECT_FALSE(refused("a_key_of_tomorrow=1\n"));
    EXPECT_TRUE(refused("no equals sign\n"));
    EXPECT_TRUE(refused("\n"));
    EXPECT_TRUE(refused("rx_bytes=-1\n"));
    EXPECT_TRUE(refused("rx_bytes=18446744073709551616\n"));
    EXPECT_TRUE(refused("allowed_ip=10.8.0.2/33\n"));
    EXPECT_TRUE(refused("public_key=abc\n"));
    EXPECT_TRUE(refused("public_key=" + std::string(64, 'g') + "\n"));
    EXPECT_FALSE(parse_get_answer("listen_port=65536\nerrno=0\n\n"));
}

TEST(UapiMessage, AnErrorDoesNotRepeatASecret)
{
    const auto refused = parse_get_answer("private_key=" + std::string(63, 'e') + "\nerrno=0\n\n");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().detail.find("eeee"), std::string::npos);
}

TEST(UapiMessage, TheEndIsFoundWhereverAReadStops)
{
    const std::string whole = good_answer();
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        EXPECT_FALSE(is_complete(std::string_view(whole).substr(0, cut), 0)) << cut;
        EXPECT_TRUE(is_complete(whole, cut)) << cut;
    }
}

TEST(UapiMessage, ReadsTenThousandPeers)
{
    std::string text;
    for (std::uint32_t i = 1; i <= 10'000; ++i)
        text += "public_key=" + key_number(i).hex() + "\nrx_bytes=1\nallowed_ip=" + address_number(i).text() + "/32\n";
    const DeviceStatus status = parse_get_answer(text + "errno=0\n\n").value();
    ASSERT_EQ(status.peers.size(), 10'000u);
    EXPECT_EQ(status.peers.back().allowed_ips[0].address, address_number(10'000));
}

TEST(UapiMessage, SurvivesRandomChangesToADump)
{
    const std::string whole = good_answer();
    std::mt19937 dice(4711); // NOLINT: the same changes every time
    unsigned refused = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string changed = whole;
        for (int i = 0; i < 3; ++i) changed[dice() % changed.size()] = static_cast<char>(dice());
        if (!parse_get_answer(changed)) ++refused;
    }
    EXPECT_GT(refused, 1000u);
}

} // namespace adit::wg::uapi
