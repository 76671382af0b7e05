// Ten thousand tunnels on an interface of the kernel's: put, dumped, flushed and put again, ended in the same second,
// by the daemon's own Tunnels on its own store. tests/kernel/run does it in a virtual machine, and docs/benchmarks.md
// has the figures that this prints.
#include "app/tunnels.h"
#include "base/clock.h"
#include "fakes/wireguard_interface.h"
#include "store/sqlite_store.h"
#include "wg/cidr.h"
#include "wg/inside_device.h"
#include "wg/peers.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <iostream>
#include <map>
#include <sqlite3.h>

namespace adit::e2e {
namespace {

using fakes::Netns;
using fakes::WireguardInterface;

constexpr std::uint32_t kTunnels = 10'000;
constexpr std::int64_t kLasts_s = 3600;

/// The system's, ahead by as much as it is told.
class ClockAhead final : public Clock {
public:
    UnixSeconds now() const override { return system_clock().now() + ahead; }
    SteadyTime steady() const override { return system_clock().steady(); }
    Seconds ahead{0};
};

class TenThousandTunnels : public testing::Test {
protected:
    void SetUp() override
    {
        ADIT_NEEDS_KERNEL_WIREGUARD();
        char name[] = "/tmp/adit-tunnels-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        folder_ = name;
        space_.emplace(std::move(Netns::create()).value());
        make_interface();

        const std::filesystem::path database = folder_ / "state" / "adit.db";
        store_ = std::move(store::SqliteStore::open(database, {.clock = clock_})).value(); // which makes the tables
        sell_in(database);
        device_ = wg::open_inside(*space_, interface_);
        pool_ = std::move(wg::AddressPool::open(wg::range("10.8.0.0/16"), wg::range("fd00::/112"), {}, clock_)).value();
        tunnels_.emplace(*store_, *device_, *pool_, clock_, system_rng(), app::TunnelOptions{});
    }
    void TearDown() override
    {
        tunnels_.reset();
        store_.reset();
        std::error_code ignored;
        if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
    }

    void make_interface()
    {
        must({"ip", "link", "add", interface_, "type", "wireguard"});
        must({"ip", "link", "set", interface_, "up"});
        put_foreign();
    }
    /// As another program on this interface does it.
    void put_foreign() const
    {
        must({"wg", "set", interface_, "peer", foreign_.base64(), "allowed-ips", "192.168.7.0/24,10.8.200.0/24"});
    }
    /// Nothing but that peer: every other one is gone at once.
    void flush() const
    {
        const auto done =
            space_->run({"wg", "setconf", interface_, "/dev/stdin"},
                        "[Peer]\nPublicKey = " + foreign_.base64() + "\nAllowedIPs = 192.168.7.0/24, 10.8.200.0/24\n");
        ASSERT_TRUE(done) << done.error().detail;
    }
    void must(const fakes::Command& command) const
    {
        const auto done = space_->run(command);
        ASSERT_TRUE(done) << done.error().detail;
    }

    /// Rows as ten thousand sales leave them, each with both addresses and a preshared key.
    static void sell_in(const std::filesystem::path& database)
    {
        sqlite3* handle = nullptr;
        ASSERT_EQ(sqlite3_open_v2(database.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
        const std::int64_t now = system_clock().now().count();
        std::string rows = "BEGIN;";
        for (std::uint32_t i = 1; i <= kTunnels; ++i) {
            const std::string number = std::to_string(i);
            const std::string low =
                encode_hex(ByteArray<2>{static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)});
            rows += "INSERT INTO leases (client, address, address6, preshared_key) VALUES ('client-" + number + "', '" +
                    wg::address_number(i).text() + "', '" + wg::address("fd00::" + low).text() + "', '" +
                    encode_hex(system_rng().bytes<32>()) + "');";
            rows += "INSERT INTO sessions (id, capability, client, client_key, live, revision, segments, created_at_s, "
                    "last_received_bytes, last_sent_bytes) VALUES (" +
                    number + ", 'session-" + number + "', 'client-" + number + "', '" +
                    encode_hex(wg::key_number(i).bytes()) + "', 1, 1, 'time " + std::to_string(kLasts_s) + ' ' +
                    std::to_string(now) + ' ' + std::to_string(now + kLasts_s) + " 0', " + std::to_string(now) +
                    ", 0, 0);";
        }
        rows += "COMMIT;";
        char* error = nullptr;
        EXPECT_EQ(sqlite3_exec(handle, rows.c_str(), nullptr, nullptr, &error), SQLITE_OK) << (error ? error : "");
        sqlite3_free(error);
        sqlite3_close(handle);
    }

    template<typename Act>
    static Milliseconds timed(const std::string& what, const Act& act)
    {
        const SteadyTime begun = system_clock().steady();
        act();
        const auto took = std::chrono::duration_cast<Milliseconds>(system_clock().steady() - begun);
        std::cout << "FIGURE " << what << ": " << took.count() << " ms\n" << std::flush;
        return took;
    }
    wg::DeviceStatus status() const
    {
        auto out = device_->status();
        EXPECT_TRUE(out) << out.error().detail;
        return out ? std::move(*out) : wg::DeviceStatus{};
    }
    void expect_all_are_there() const
    {
        const wg::DeviceStatus now = status();
        ASSERT_EQ(now.peers.size(), kTunnels + 1U);
        std::map<protocol::WireguardKey, std::vector<wg::AllowedIp>> there;
        for (const wg::PeerStatus& peer : now.peers) there.emplace(peer.key, peer.allowed_ips);
        for (std::uint32_t i = 1; i <= kTunnels; ++i) {
            const auto place = there.find(wg::key_number(i));
            ASSERT_NE(place, there.end()) << i;
            ASSERT_EQ(place->second.size(), 2U) << i;
            ASSERT_NE(std::ranges::find(place->second, wg::AllowedIp{wg::address_number(i), 32}), place->second.end());
        }
        expect_foreign_is_as_it_was(now);
    }
    void expect_foreign_is_as_it_was(const wg::DeviceStatus& now) const
    {
        const wg::PeerStatus* peer = wg::find(now, foreign_);
        ASSERT_NE(peer, nullptr);
        auto ranges = peer->allowed_ips;
        std::ranges::sort(ranges);
        EXPECT_EQ(ranges, (std::vector{wg::range("10.8.200.0/24"), wg::range("192.168.7.0/24")}));
    }

    const std::string interface_ = "wg0";
    const protocol::WireguardKey foreign_ = wg::key_number(1'000'000);
    std::filesystem::path folder_;
    std::optional<Netns> space_;
    ClockAhead clock_;
    std::unique_ptr<store::SqliteStore> store_;
    std::unique_ptr<wg::Device> device_;
    std::unique_ptr<wg::AddressPool> pool_;
    std::optional<app::Tunnels> tunnels_;
};

TEST_F(TenThousandTunnels, ArePutDumpedFlushedRefilledAndEndedAtOnce)
{
    const auto loaded = tunnels_->load();
    ASSERT_TRUE(loaded) << loaded.error().detail;
    ASSERT_EQ(tunnels_->live(), kTunnels);
    timed("reconcile: an empty interface gets 10,000 peers", [&] { tunnels_->reconcile(); });
    expect_all_are_there();
    timed("dump of 10,000 peers", [&] { EXPECT_EQ(status().peers.size(), kTunnels + 1U); });
    timed("reconcile: 10,000 peers, nothing to do", [&] { tunnels_->reconcile(); });
    timed("accounting of 10,000 peers", [&] { tunnels_->account(); });

    flush();
    EXPECT_EQ(status().peers.size(), 1U);
    timed("reconcile: a flushed interface is refilled", [&] { tunnels_->reconcile(); });
    expect_all_are_there();

    timed("the interface is deleted", [&] { must({"ip", "link", "del", interface_}); });
    EXPECT_EQ(device_->status().error().reason, Reason::device_absent);
    tunnels_->reconcile();
    EXPECT_FALSE(tunnels_->device_usable());
    EXPECT_EQ(tunnels_->live(), kTunnels) << "nobody is expired for want of an interface";
    make_interface();
    timed("reconcile: a new interface of that name is filled", [&] { tunnels_->reconcile(); });
    expect_all_are_there();

    clock_.ahead = Seconds(kLasts_s - 2); // what is left outlasts one call
    tunnels_->expire_due();
    EXPECT_GE(status().peers.size(), kTunnels + 1U) << "not a second too early";
    clock_.ahead = Seconds(kLasts_s + 600);
    timed("10,000 sessions end in the same second", [&] { tunnels_->expire_due(); });
    EXPECT_EQ(tunnels_->live(), 0U);
    const wg::DeviceStatus left = status();
    EXPECT_EQ(left.peers.size(), 1U);
    expect_foreign_is_as_it_was(left);
    EXPECT_TRUE(store_->live_sessions().value().empty());
    tunnels_->reconcile();
    EXPECT_EQ(status().peers.size(), 1U) << "and none comes back";
}

} // namespace
} // namespace adit::e2e
