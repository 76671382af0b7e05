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

/// Its wall clock stands still, ahead of the start by as much as it is told.
class ClockAhead final : public Clock {
public:
    UnixSeconds now() const override { return start + ahead; }
    SteadyTime steady() const override { return system_clock().steady(); }
    const UnixSeconds start = system_clock().now();
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

    /// Rows as ten thousand sales leave them, each with both addresses and a preshared key. Keys and addresses are
    /// those of wg::key_number and wg::address_number.
    void sell_in(const std::filesystem::path& database) const
    {
        sqlite3* handle = nullptr;
        ASSERT_EQ(sqlite3_open_v2(database.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
        const std::string begun = std::to_string(clock_.start.count());
        const std::string end = std::to_string(clock_.start.count() + kLasts_s);
        const std::string numbers = "WITH RECURSIVE sale (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM sale WHERE n < " +
                                    std::to_string(kTunnels) + ") ";
        const std::string rows =
            "BEGIN; INSERT INTO leases (client, address, address6, preshared_key) " + numbers +
            "SELECT 'client-' || n, printf('10.8.%d.%d', n / 256, n % 256), printf('fd00::%x', n), "
            "lower(hex(randomblob(32))) FROM sale; "
            "INSERT INTO sessions (id, capability, client, client_key, live, revision, segments, created_at_s, "
            "last_received_bytes, last_sent_bytes) " +
            numbers + "SELECT n, 'session-' || n, 'client-' || n, printf('%08x', n) || '" + std::string(24, '0') +
            "77" + std::string(28, '0') + "40', 1, 1, 'time " + std::to_string(kLasts_s) + ' ' + begun + ' ' + end +
            " 0', " + begun + ", 0, 0 FROM sale; COMMIT;";
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

    clock_.ahead = Seconds(kLasts_s - 1);
    tunnels_->expire_due();
    EXPECT_EQ(status().peers.size(), kTunnels + 1U) << "not a second too early";
    clock_.ahead = Seconds(kLasts_s);
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
