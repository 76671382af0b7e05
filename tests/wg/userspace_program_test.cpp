#include "wg/userspace_program.h"

#include <fcntl.h>
#include <filesystem>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace adit::wg {
namespace {

using testing::HasSubstr;

class UserspacePlaces : public testing::Test {
protected:
    UserspacePlaces()
    {
        char name[] = "/tmp/adit-places-XXXXXX";
        EXPECT_NE(::mkdtemp(name), nullptr);
        base_ = name;
        EXPECT_EQ(::chmod(name, 0755), 0);
    }
    ~UserspacePlaces() override { std::filesystem::remove_all(base_); }

    /// As a user who is not root, in a thread of its own where we are; "" for a yes.
    std::string refused(const std::string& tun, const std::string& folder) const
    {
        std::string detail;
        std::thread([&] {
            constexpr int kNobody = 65534;
            if (::geteuid() == 0) { // the system call alone: the library's function changes every thread
                ASSERT_EQ(::syscall(SYS_setresuid, kNobody, kNobody, kNobody), 0);
            }
            const auto checked = check_userspace_places(tun, folder);
            if (checked) return;
            EXPECT_EQ(checked.error().reason, Reason::device_unavailable);
            detail = checked.error().detail;
        }).join();
        return detail;
    }
    std::string base_;
};

TEST_F(UserspacePlaces, ADeviceAndAFolderThatOneMayUseAreWell)
{
    const std::string folder = base_ + "/wireguard";
    ASSERT_EQ(::mkdir(folder.c_str(), 0700), 0);
    ASSERT_EQ(::chmod(folder.c_str(), 01777), 0);
    EXPECT_EQ(refused("/dev/null", folder), "");
    EXPECT_EQ(refused("/dev/null", folder + "/made-by-it"), "");
}

TEST_F(UserspacePlaces, ADeviceThatIsMissingOrShutIsNamedWithWhatOpensIt)
{
    EXPECT_THAT(refused(base_ + "/tun", base_), AllOf(HasSubstr("No such file"), HasSubstr("--device")));
    const std::string shut = base_ + "/shut";
    const int fd = ::open(shut.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0400);
    ASSERT_GE(fd, 0);
    ::close(fd);
    EXPECT_THAT(refused(shut, base_), AllOf(HasSubstr("Permission denied"), HasSubstr("chmod 666 " + shut)));
}

TEST_F(UserspacePlaces, AFolderOfSomebodyElseIsNamedWithWhatGivesItToTheDaemon)
{
    const std::string folder = base_ + "/wireguard";
    ASSERT_EQ(::mkdir(folder.c_str(), 0500), 0);
    EXPECT_THAT(refused("/dev/null", folder),
                AllOf(HasSubstr("Permission denied"), HasSubstr("install -d -m 0750 -o adit -g adit " + folder)));
    // Nobody may make it there either.
    EXPECT_THAT(refused("/dev/null", folder + "/deep"), HasSubstr("install -d"));
}

} // namespace
} // namespace adit::wg
