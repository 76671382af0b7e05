#include "wg/forwarding.h"

#include "base/file.h"
#include "fakes/netns.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace adit::wg {

namespace {

class ForwardingTest : public testing::Test {
protected:
    void SetUp() override
    {
        folder_ = std::filesystem::temp_directory_path() / ("adit-sysctls-" + std::to_string(::getpid()));
        for (const char* name : {"all", "default", "eth0", "eth1"})
            std::filesystem::create_directories(folder_ / "net/ipv6/conf" / name);
        std::filesystem::create_directories(folder_ / "net/ipv4");
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    void set(const std::string& name, const std::string& value) const
    {
        std::ofstream(folder_ / name) << value << '\n';
    }
    char get(const std::string& name) const { return read_file(folder_ / name).value().front(); }

    std::filesystem::path folder_;
};

} // namespace

TEST_F(ForwardingTest, IsTurnedOnWhereItIsOff)
{
    EXPECT_EQ(ensure_forwarding4(folder_), Forwarding::can_not_tell);
    set("net/ipv4/ip_forward", "0");
    EXPECT_EQ(ensure_forwarding4(folder_), Forwarding::turned_on);
    EXPECT_EQ(get("net/ipv4/ip_forward"), '1');
    EXPECT_EQ(ensure_forwarding4(folder_), Forwarding::on);
}

TEST_F(ForwardingTest, AHostThatLearnsItsRoutesGoesOnLearningThem)
{
    set("net/ipv6/conf/all/forwarding", "0");
    set("net/ipv6/conf/all/accept_ra", "1");
    set("net/ipv6/conf/eth0/accept_ra", "1");
    set("net/ipv6/conf/eth1/accept_ra", "0");
    EXPECT_EQ(ensure_forwarding6(folder_), Forwarding::turned_on);
    EXPECT_EQ(get("net/ipv6/conf/eth0/accept_ra"), '2');
    EXPECT_EQ(get("net/ipv6/conf/eth1/accept_ra"), '0');
    EXPECT_EQ(get("net/ipv6/conf/all/accept_ra"), '1');
    set("net/ipv6/conf/eth0/accept_ra", "1");
    EXPECT_EQ(ensure_forwarding6(folder_), Forwarding::on);
    EXPECT_EQ(get("net/ipv6/conf/eth0/accept_ra"), '1') << "who has forwarding on has decided about this too";
}

TEST_F(ForwardingTest, TheRealOnesOfANamespace)
{
    ADIT_NEEDS_NETNS();
    const auto space = std::move(fakes::Netns::create()).value();
    space.inside([] {
        EXPECT_EQ(ensure_forwarding4(), Forwarding::turned_on);
        EXPECT_EQ(ensure_forwarding6(), Forwarding::turned_on);
        EXPECT_EQ(ensure_forwarding4(), Forwarding::on);
        EXPECT_EQ(ensure_forwarding6(), Forwarding::on);
    });
}

} // namespace adit::wg
