#include "wg/managed_interface.h"

#include "wg/memory_device.h"
#include "wg/peers.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace adit::wg {

namespace {

/// One interface at most, which it makes only if the kernel has WireGuard. What is done is kept in words.
class FakeLinks final : public Links {
public:
    Result<std::optional<Link>> find(const std::string&) override { return link; }
    Result<void> create_wireguard(const std::string& interface) override
    {
        if (!kernel_has_wireguard) return Error{Reason::device_absent, "Operation not supported"};
        if (refusal) return *refusal;
        done.push_back("create " + interface);
        link = Link{4, "wireguard", 1400, false, {}};
        return {};
    }
    Result<void> set(const Link&, std::uint32_t mtu) override
    {
        done.push_back("mtu " + std::to_string(mtu));
        link->mtu = mtu;
        link->up = true;
        return {};
    }
    Result<void> add_address(const Link&, const AllowedIp& address) override
    {
        done.push_back("add " + cidr_text(address));
        link->addresses.push_back(address);
        return {};
    }
    Result<void> remove_address(const Link&, const AllowedIp& address) override
    {
        done.push_back("remove " + cidr_text(address));
        std::erase(link->addresses, address);
        return {};
    }

    bool kernel_has_wireguard = true;
    std::optional<Error> refusal;
    std::optional<Link> link;
    std::vector<std::string> done;
};

class FakeProgram final : public UserspaceProgram {
public:
    explicit FakeProgram(FakeLinks& links) : links_(links) {}
    Result<void> start(const std::string& interface) override
    {
        if (missing) return Error{Reason::bad_config, "wireguard-go is not installed"};
        links_.done.push_back("start " + interface);
        links_.link = Link{5, "tun", 1420, false, {}};
        return {};
    }
    bool missing = false;

private:
    FakeLinks& links_;
};

class ManagedInterfaceTest : public testing::Test {
protected:
    ManagedInterfaceTest() { restart(); }
    /// A new process: the world stays as it is.
    void restart(Backend backend = Backend::automatic)
    {
        interface_.emplace(
            InterfaceOptions{
                "wg0", backend, secret_of(0x41), 51820, {range("10.8.0.1/24"), range("fd00::1/112")}, 1380},
            links_, device_, program_);
    }
    std::vector<std::string> done() { return std::exchange(links_.done, {}); }
    protocol::WireguardKey our_key() const { return protocol::wireguard_public_key(secret_of(0x41)); }

    FakeLinks links_;
    FakeProgram program_{links_};
    MemoryDevice device_;
    std::optional<ManagedInterface> interface_;
};

} // namespace

TEST_F(ManagedInterfaceTest, MakesItOnceAndThenLeavesItAlone)
{
    ASSERT_TRUE(interface_->keep());
    EXPECT_EQ(done(), (std::vector<std::string>{"create wg0", "add 10.8.0.1/24", "add fd00::1/112", "mtu 1380"}));
    EXPECT_EQ(device_.status()->public_key, our_key());
    EXPECT_EQ(device_.status()->listen_port, 51820);
    ASSERT_TRUE(interface_->keep());
    EXPECT_TRUE(done().empty());
}

TEST_F(ManagedInterfaceTest, WithoutTheKernelsHelpTheProgramIsStarted)
{
    links_.kernel_has_wireguard = false;
    ASSERT_TRUE(interface_->keep());
    EXPECT_EQ(done().front(), "start wg0");
    program_.missing = true;
    links_.link.reset();
    EXPECT_EQ(interface_->keep().error().reason, Reason::bad_config);
}

TEST_F(ManagedInterfaceTest, TheBackendDecidesWhoMakesIt)
{
    restart(Backend::userspace);
    ASSERT_TRUE(interface_->keep());
    EXPECT_EQ(done().front(), "start wg0");
    links_.link.reset();
    links_.kernel_has_wireguard = false;
    restart(Backend::kernel);
    const auto kept = interface_->keep();
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().reason, Reason::device_absent);
    EXPECT_NE(kept.error().detail.find("no WireGuard"), std::string::npos) << kept.error().detail;
    EXPECT_TRUE(done().empty());
}

TEST_F(ManagedInterfaceTest, ARefusalOfTheKernelIsNoReasonToGoToUserspace)
{
    links_.refusal = Error{Reason::device_unavailable, "Operation not permitted"};
    const auto kept = interface_->keep();
    ASSERT_FALSE(kept);
    EXPECT_NE(kept.error().detail.find("not permitted"), std::string::npos);
    EXPECT_TRUE(done().empty());
}

TEST_F(ManagedInterfaceTest, WhatIsThereWithOurKeyIsTakenOverWithItsPeers)
{
    ASSERT_TRUE(interface_->keep());
    ASSERT_TRUE(device_.apply(puts(3)));
    done();
    restart();
    ASSERT_TRUE(interface_->keep());
    EXPECT_TRUE(done().empty()) << "a restart drops no tunnel";
    EXPECT_EQ(device_.status()->peers.size(), 3u);
}

TEST_F(ManagedInterfaceTest, WhatDiffersIsMended)
{
    ASSERT_TRUE(interface_->keep());
    ASSERT_TRUE(device_.apply(puts(3)));
    done();
    links_.link->up = false;
    links_.link->addresses = {range("fd00::1/112"), range("10.9.0.1/24")};
    ASSERT_TRUE(device_.configure({secret_of(0x55), 1}));
    ASSERT_TRUE(interface_->keep());
    EXPECT_EQ(done(), (std::vector<std::string>{"remove 10.9.0.1/24", "add 10.8.0.1/24", "mtu 1380"}));
    EXPECT_EQ(device_.status()->public_key, our_key()) << "this process made it, so whatever differs is put right";
    EXPECT_EQ(device_.status()->listen_port, 51820);
    EXPECT_EQ(device_.status()->peers.size(), 3u);
}

TEST_F(ManagedInterfaceTest, AnInterfaceThatGoesIsMadeAnew)
{
    ASSERT_TRUE(interface_->keep());
    done();
    links_.link.reset();
    ASSERT_TRUE(interface_->keep());
    EXPECT_EQ(done().size(), 4u);
    EXPECT_TRUE(links_.link->up);
}

TEST_F(ManagedInterfaceTest, AnInterfaceWithAnotherKeyIsSomebodyElses)
{
    links_.link = Link{4, "wireguard", 1420, true, {range("10.0.0.1/24")}};
    ASSERT_TRUE(device_.configure({secret_of(0x55), 51820}));
    const auto kept = interface_->keep();
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().reason, Reason::bad_config);
    EXPECT_NE(kept.error().detail.find("another private key"), std::string::npos) << kept.error().detail;
    EXPECT_TRUE(done().empty());
    EXPECT_EQ(device_.status()->public_key, protocol::wireguard_public_key(secret_of(0x55)));
}

TEST_F(ManagedInterfaceTest, AnInterfaceWithoutAKeyIsFree)
{
    links_.link = Link{4, "wireguard", 1380, true, {}};
    ASSERT_TRUE(interface_->keep());
    EXPECT_EQ(done(), (std::vector<std::string>{"add 10.8.0.1/24", "add fd00::1/112"}));
    EXPECT_EQ(device_.status()->public_key, our_key());
}

TEST_F(ManagedInterfaceTest, AnInterfaceOfAnotherKindIsLeftAlone)
{
    for (const char* kind : {"bridge", ""}) {
        links_.link = Link{4, kind, 1500, true, {range("192.168.0.1/24")}};
        const auto kept = interface_->keep();
        ASSERT_FALSE(kept) << kind;
        EXPECT_EQ(kept.error().reason, Reason::bad_config);
        EXPECT_TRUE(done().empty());
    }
    links_.link->kind = "tun";
    restart(Backend::kernel);
    EXPECT_FALSE(interface_->keep());
    restart();
    device_.set_mood(MemoryDevice::Mood::absent); // a tun of some other program
    EXPECT_EQ(interface_->keep().error().reason, Reason::bad_config);
    EXPECT_TRUE(done().empty());
}

} // namespace adit::wg
