// What device.h promises, asked of every implementation that this machine can run: memory always, wireguard-go where
// namespaces are to be had, the kernel where it has WireGuard: tests/kernel/run sees to it that there is one.
#include "fakes/wireguard_interface.h"
#include "wg/inside_device.h"
#include "wg/memory_device.h"
#include "wg/netlink_device.h"
#include "wg/peers.h"
#include "wg/uapi_device.h"

#include <gtest/gtest.h>
#include <iostream>
#include <thread>

namespace adit::wg {

namespace {

using fakes::Netns;
using fakes::WireguardGo;

/// A device and the hand of another program on it.
class Subject {
public:
    virtual ~Subject() = default;
    virtual Device& device() = 0;
    /// The interface gets this private key.
    virtual void set_key(const protocol::WireguardSecret& secret) = 0;
    virtual void put_foreign(const protocol::WireguardKey& key, const std::string& cidr) = 0;
    /// The interface is gone. / It is there again, empty.
    virtual void destroy() = 0;
    virtual void create() = 0;
};

class MemorySubject final : public Subject {
public:
    Device& device() override { return *device_; }
    void set_key(const protocol::WireguardSecret& secret) override
    {
        device_ = std::make_unique<MemoryDevice>(protocol::wireguard_public_key(secret));
    }
    void put_foreign(const protocol::WireguardKey& key, const std::string& cidr) override
    {
        device_->put_foreign(key, {range(cidr)});
    }
    void destroy() override { device_->set_mood(MemoryDevice::Mood::absent); }
    void create() override { device_->set_mood(MemoryDevice::Mood::works); }

private:
    std::unique_ptr<MemoryDevice> device_ = std::make_unique<MemoryDevice>();
};

/// An interface in a namespace of its own, which wg(8) is let loose on.
class RealSubject : public Subject {
public:
    explicit RealSubject(std::string interface)
        : space_(std::move(Netns::create()).value()), interface_(std::move(interface))
    {
    }
    void set_key(const protocol::WireguardSecret& secret) override
    {
        const auto set =
            space_.run({"wg", "set", interface_, "private-key", "/dev/stdin"}, encode_base64(secret.expose()) + "\n");
        ASSERT_TRUE(set) << set.error().detail;
    }
    void put_foreign(const protocol::WireguardKey& key, const std::string& cidr) override
    {
        const auto set = space_.run({"wg", "set", interface_, "peer", key.base64(), "allowed-ips", cidr});
        ASSERT_TRUE(set) << set.error().detail;
    }

protected:
    Netns space_;
    std::string interface_;
};

class UserspaceSubject final : public RealSubject {
public:
    UserspaceSubject()
        : RealSubject(fakes::unique_interface_name()), go_(std::move(WireguardGo::start(space_, interface_)).value()),
          device_(std::move(UapiDevice::open(interface_)).value())
    {
    }
    Device& device() override { return *device_; }
    void destroy() override { go_.stop(); }
    void create() override { go_ = std::move(WireguardGo::start(space_, interface_)).value(); }

private:
    WireguardGo go_;
    std::unique_ptr<UapiDevice> device_;
};

class KernelSubject final : public RealSubject {
public:
    KernelSubject() : RealSubject("wg0"), device_(space_, std::move(NetlinkDevice::open(interface_)).value())
    {
        create();
    }
    Device& device() override { return device_; }
    void destroy() override { EXPECT_TRUE(space_.run({"ip", "link", "del", interface_})); }
    void create() override { EXPECT_TRUE(space_.run({"ip", "link", "add", interface_, "type", "wireguard"})); }

private:
    InsideDevice device_;
};

enum class Kind { memory, userspace, kernel };

const std::vector<Kind>& kinds()
{
    static const std::vector<Kind> all = [] {
        std::vector out{Kind::memory};
        if (!fakes::kernel_wireguard_required()) out.push_back(Kind::userspace);
        if (fakes::kernel_wireguard_required() || fakes::kernel_wireguard_missing().empty())
            out.push_back(Kind::kernel);
        return out;
    }();
    return all;
}

std::string name_of(const testing::TestParamInfo<Kind>& info)
{
    switch (info.param) {
    case Kind::memory:
        return "memory";
    case Kind::userspace:
        return "userspace";
    case Kind::kernel:
        return "kernel";
    }
    return {};
}

class DeviceContract : public testing::TestWithParam<Kind> {
protected:
    void SetUp() override
    {
        switch (GetParam()) {
        case Kind::memory:
            subject_ = std::make_unique<MemorySubject>();
            break;
        case Kind::userspace: {
            ADIT_NEEDS_NETNS();
            subject_ = std::make_unique<UserspaceSubject>();
            break;
        }
        case Kind::kernel:
            ADIT_NEEDS_KERNEL_WIREGUARD();
            subject_ = std::make_unique<KernelSubject>();
            break;
        }
    }
    Device& device() { return subject_->device(); }
    void apply(const std::vector<PeerChange>& changes)
    {
        const auto applied = device().apply(changes);
        ASSERT_TRUE(applied) << applied.error().detail;
    }
    DeviceStatus status()
    {
        auto out = device().status();
        EXPECT_TRUE(out) << out.error().detail;
        return out ? *out : DeviceStatus{};
    }
    /// The allowed IPs of a peer, in order; {"absent"} without the peer.
    std::vector<std::string> ranges_of(std::uint32_t key)
    {
        const DeviceStatus now = status();
        const PeerStatus* peer = find(now, key_number(key));
        if (peer == nullptr) return {"absent"};
        std::vector<std::string> out;
        for (const AllowedIp& allowed : peer->allowed_ips) out.push_back(cidr_text(allowed));
        std::ranges::sort(out);
        return out;
    }
    std::unique_ptr<Subject> subject_;
};

using Ranges = std::vector<std::string>;
const Ranges kAbsent{"absent"};

} // namespace

TEST_P(DeviceContract, AnEmptyDeviceHasNoPeers)
{
    EXPECT_TRUE(status().peers.empty());
    apply({});
    EXPECT_TRUE(status().peers.empty());
}

TEST_P(DeviceContract, TellsItsOwnKey)
{
    const auto secret = protocol::generate_wireguard_secret(system_rng());
    subject_->set_key(secret);
    EXPECT_EQ(status().public_key, protocol::wireguard_public_key(secret));
}

TEST_P(DeviceContract, KeyAndPortAreSetAndPeersStay)
{
    apply(puts(3));
    for (const std::uint16_t port : {std::uint16_t{23456}, std::uint16_t{23457}}) {
        const auto configured = device().configure({secret_of(0x41), port});
        ASSERT_TRUE(configured) << configured.error().detail;
        EXPECT_EQ(status().public_key, protocol::wireguard_public_key(secret_of(0x41)));
        EXPECT_EQ(status().listen_port, port);
        EXPECT_EQ(status().peers.size(), 3u);
    }
    EXPECT_EQ(ranges_of(2), Ranges{"10.8.0.2/32"});
}

TEST_P(DeviceContract, APeerThatIsPutIsThereWithExactlyItsAddresses)
{
    apply(batch(put(key_number(1), {address("10.8.0.2"), address("fd00::2")}),
                put(key_number(2), {address("10.8.0.3")})));
    EXPECT_EQ(ranges_of(1), (Ranges{"10.8.0.2/32", "fd00::2/128"}));
    EXPECT_EQ(ranges_of(2), Ranges{"10.8.0.3/32"});
    apply(batch(put(key_number(1), {address("10.8.0.9")})));
    EXPECT_EQ(ranges_of(1), Ranges{"10.8.0.9/32"});
    const DeviceStatus now = status();
    ASSERT_EQ(now.peers.size(), 2u);
    EXPECT_EQ(now.peers[0].last_handshake, std::nullopt);
    EXPECT_EQ(now.peers[0].received_bytes, 0u);
}

TEST_P(DeviceContract, RepeatingABatchChangesNothing)
{
    PeerPut with_secret = put(key_number(1), {address("10.8.0.2")});
    with_secret.preshared_key = secret_of(9);
    const auto changes =
        batch(std::move(with_secret), PeerRemove{key_number(2)}, put(key_number(3), {address("10.8.0.4")}));
    for (int round = 0; round < 3; ++round) {
        apply(changes);
        EXPECT_EQ(status().peers.size(), 2u);
        EXPECT_EQ(ranges_of(1), Ranges{"10.8.0.2/32"});
        EXPECT_EQ(ranges_of(3), Ranges{"10.8.0.4/32"});
    }
}

TEST_P(DeviceContract, RemovingAnAbsentPeerIsNoError)
{
    apply(batch(PeerRemove{key_number(1)}));
    apply(puts(3));
    apply(batch(PeerRemove{key_number(2)}, PeerRemove{key_number(77)}));
    EXPECT_EQ(ranges_of(2), kAbsent);
    EXPECT_EQ(status().peers.size(), 2u);
}

TEST_P(DeviceContract, ChangesOfABatchHappenInOrder)
{
    apply(batch(put(key_number(1), {address("10.8.0.2")}), PeerRemove{key_number(1)},
                put(key_number(2), {address("10.8.0.2")}), PeerRemove{key_number(3)},
                put(key_number(3), {address("10.8.0.3")})));
    EXPECT_EQ(ranges_of(1), kAbsent);
    EXPECT_EQ(ranges_of(2), Ranges{"10.8.0.2/32"});
    EXPECT_EQ(ranges_of(3), Ranges{"10.8.0.3/32"});
}

TEST_P(DeviceContract, AnAllowedIpLeavesThePeerThatHadItBefore)
{
    apply(batch(put(key_number(1), {address("10.8.0.2"), address("fd00::2")})));
    apply(batch(put(key_number(2), {address("10.8.0.2")})));
    EXPECT_EQ(ranges_of(1), Ranges{"fd00::2/128"});
    EXPECT_EQ(ranges_of(2), Ranges{"10.8.0.2/32"});
    apply(batch(PeerRemove{key_number(2)}));
    EXPECT_EQ(ranges_of(1), Ranges{"fd00::2/128"}) << "it does not come back by itself";
}

TEST_P(DeviceContract, PeersThatAreNotNamedStayAsTheyAre)
{
    subject_->put_foreign(key_number(500), "192.168.7.0/24");
    apply(puts(20));
    apply(removals(10));
    EXPECT_EQ(ranges_of(500), Ranges{"192.168.7.0/24"});
    EXPECT_EQ(ranges_of(11), Ranges{"10.8.0.11/32"});
    EXPECT_EQ(status().peers.size(), 11u);
}

TEST_P(DeviceContract, AHostRouteInsideAForeignRangeTakesNothingFromIt)
{
    subject_->put_foreign(key_number(500), "10.8.0.0/24");
    apply(batch(put(key_number(1), {address("10.8.0.2")})));
    EXPECT_EQ(ranges_of(500), Ranges{"10.8.0.0/24"});
    EXPECT_EQ(ranges_of(1), Ranges{"10.8.0.2/32"});
}

TEST_P(DeviceContract, ItsOwnKeyIsPassedOverInSilence)
{
    const auto secret = protocol::generate_wireguard_secret(system_rng());
    subject_->set_key(secret);
    apply(batch(put(protocol::wireguard_public_key(secret), {address("10.8.0.2")}),
                put(key_number(1), {address("10.8.0.3")})));
    const DeviceStatus now = status();
    ASSERT_EQ(now.peers.size(), 1u);
    EXPECT_EQ(now.peers[0].key, key_number(1));
}

TEST_P(DeviceContract, AnInterfaceThatIsGoneIsAbsentAndComesBackEmpty)
{
    apply(puts(3));
    subject_->destroy();
    ASSERT_FALSE(device().status());
    EXPECT_EQ(device().status().error().reason, Reason::device_absent);
    EXPECT_EQ(device().apply(puts(1)).error().reason, Reason::device_absent);
    subject_->create();
    EXPECT_TRUE(status().peers.empty());
    apply(puts(3));
    EXPECT_EQ(status().peers.size(), 3u);
}

TEST_P(DeviceContract, SeveralWorkersMayCallAtOnce)
{
    {
        std::vector<std::jthread> workers;
        for (std::uint32_t worker = 0; worker < 4; ++worker) {
            workers.emplace_back([this, worker] {
                for (std::uint32_t i = 0; i < 25; ++i) {
                    const std::uint32_t number = worker * 100 + i + 1;
                    EXPECT_TRUE(device().apply(batch(put(key_number(number), {address_number(number)}))));
                    EXPECT_TRUE(device().status());
                    if (i % 5 == 0) {
                        EXPECT_TRUE(device().apply(batch(PeerRemove{key_number(number)})));
                    }
                }
            });
        }
    }
    EXPECT_EQ(status().peers.size(), 80u);
}

TEST_P(DeviceContract, HoldsTenThousandPeers)
{
    const auto changes = puts(10'000);
    const auto timed = [](const char* what, auto&& act) {
        const SteadyTime start = system_clock().steady();
        act();
        const auto took = std::chrono::duration_cast<Milliseconds>(system_clock().steady() - start);
        std::cout << what << ": " << took.count() << " ms\n";
    };
    // A batch of this size may take longer than one call is given; then it is repeated, as device.h says.
    const auto until_done = [this](std::span<const PeerChange> batch) {
        int calls = 1;
        while (calls < 20) {
            const auto applied = device().apply(batch);
            if (applied) break;
            ASSERT_EQ(applied.error().reason, Reason::device_unavailable);
            ++calls;
        }
        std::cout << "calls: " << calls << "\n";
    };
    timed("put 10,000", [&] { until_done(changes); });
    timed("put them again", [&] { until_done(changes); });
    DeviceStatus full;
    timed("dump 10,000", [&] { full = status(); });
    ASSERT_EQ(full.peers.size(), 10'000u);
    for (std::uint32_t i : {1u, 5'000u, 10'000u}) {
        const PeerStatus* peer = find(full, key_number(i));
        ASSERT_NE(peer, nullptr);
        EXPECT_EQ(peer->allowed_ips, (std::vector{AllowedIp{address_number(i), 32}}));
    }
    timed("remove 10,000", [&] { until_done(removals(10'000)); });
    EXPECT_TRUE(status().peers.empty());
}

INSTANTIATE_TEST_SUITE_P(Devices, DeviceContract, testing::ValuesIn(kinds()), name_of);

} // namespace adit::wg
