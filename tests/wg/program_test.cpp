#include "wg/program.h"

#include "base/clock.h"
#include "fakes/netns.h"
#include "wg/nft.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace adit::wg {

TEST(Program, InputGoesInAndBothStreamsComeOut)
{
    const std::string text(1 << 20, 'x'); // more than a pipe holds
    const auto end = run_program("/bin/cat", {"-"}, text, Milliseconds(10'000)).value();
    EXPECT_EQ(end.status, 0);
    EXPECT_EQ(end.output, text);
    EXPECT_EQ(end.errors, "");
    const auto both = run_program("sh", {"-c", "echo out; echo err >&2; exit 3"}, "", Milliseconds(10'000)).value();
    EXPECT_EQ(both.status, 3);
    EXPECT_EQ(both.output, "out\n");
    EXPECT_EQ(both.errors, "err\n");
    const auto failed = run_program("/bin/cat", {"/nowhere"}, "", Milliseconds(10'000)).value();
    EXPECT_EQ(failed.status, 1);
    EXPECT_NE(failed.errors.find("No such file"), std::string::npos);
}

TEST(Program, SeesNoVariableAndNoDescriptorOfOurs)
{
    ASSERT_EQ(::setenv("ADIT_SECRET_OF_A_TEST", "1", 1), 0);
    std::array<int, 2> leaky{};
    ASSERT_EQ(::pipe(leaky.data()), 0); // without CLOEXEC, as a library might
    EXPECT_EQ(run_program("/usr/bin/env", {}, "", Milliseconds(10'000)).value().output, "");
    const auto listed = run_program("/bin/ls", {"/proc/self/fd"}, "", Milliseconds(10'000)).value();
    EXPECT_EQ(listed.output, "0\n1\n2\n3\n") << "the last is the folder itself";
    for (const int fd : leaky) ::close(fd);
    ::unsetenv("ADIT_SECRET_OF_A_TEST");
}

TEST(Program, NetAdminIsAmbientInTheProgramAndNowhereElse)
{
    if (::geteuid() != 0) GTEST_SKIP() << "nobody else has the capability";
    const auto end = run_program("/bin/cat", {"/proc/self/status"}, "", Milliseconds(10'000)).value();
    EXPECT_NE(end.output.find("CapAmb:\t0000000000001000"), std::string::npos) << end.output;
    EXPECT_EQ(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 12, 0, 0), 0);
}

TEST(Program, NftDoesItsWorkForAUserWhoHasNetAdminAndNothingElse)
{
    ADIT_NEEDS_NETNS();
    const auto space = std::move(fakes::Netns::create()).value();
    std::optional<Result<void>> without;
    std::optional<Result<void>> with;
    space.inside([&] {
        // Of this thread alone, by the raw calls: nobody, who keeps CAP_NET_ADMIN and loses the rest.
        ASSERT_EQ(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), 0);
        ASSERT_EQ(::syscall(SYS_setresgid, 65534, 65534, 65534), 0);
        ASSERT_EQ(::syscall(SYS_setresuid, 65534, 65534, 65534), 0);
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
        sets[0].permitted = sets[0].effective = 1U << CAP_NET_ADMIN;
        ASSERT_EQ(::syscall(SYS_capset, &header, sets), 0);
        NftProgram nft;
        with = nft.load("add table inet adit_of_nobody\n");
        sets[0].permitted = sets[0].effective = 0;
        ASSERT_EQ(::syscall(SYS_capset, &header, sets), 0);
        without = nft.load("delete table inet adit_of_nobody\n");
    });
    ASSERT_TRUE(with && without);
    EXPECT_TRUE(*with) << with->error().detail;
    ASSERT_FALSE(*without);
    EXPECT_NE(without->error().detail.find("CAP_NET_ADMIN is needed"), std::string::npos) << without->error().detail;
    EXPECT_TRUE(space.run({"nft", "list", "table", "inet", "adit_of_nobody"}));
}

TEST(Program, OneThatHangsIsKilledAndOneThatIsNotThereIsSaid)
{
    const SteadyTime begun = system_clock().steady();
    const Error killed = run_program("sleep", {"60"}, "", Milliseconds(100)).error();
    EXPECT_EQ(killed.reason, Reason::io);
    EXPECT_NE(killed.detail.find("did not end within 100 ms"), std::string::npos) << killed.detail;
    EXPECT_LT(system_clock().steady() - begun, Milliseconds(10'000));
    for (const char* none : {"/nowhere/at-all", "no-such-program"}) {
        EXPECT_EQ(run_program(none, {}, "", Milliseconds(100)).error().reason, Reason::not_found);
        EXPECT_EQ(find_program(none), "");
    }
    EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
    EXPECT_TRUE(find_program("sh").ends_with("/sh"));
}

TEST(Program, ALastingOneOutlivesUsInASessionOfItsOwnAndCanNotFillTheMemory)
{
    auto cat = std::move(LastingProgram::start("/bin/dd", {"if=/dev/zero", "bs=1000", "count=1000"})).value();
    EXPECT_TRUE(fakes::eventually(Milliseconds(10'000), [&] { return !cat.running(); }));
    auto sleeper = std::move(LastingProgram::start("/bin/sleep", {"60"})).value();
    EXPECT_TRUE(sleeper.running());
    sleeper.kill();
    EXPECT_FALSE(sleeper.running());
    auto talker = std::move(LastingProgram::start("/bin/ls", {"/nowhere"})).value();
    ASSERT_TRUE(fakes::eventually(Milliseconds(10'000), [&] { return !talker.running(); }));
    EXPECT_NE(talker.output().find("No such file"), std::string::npos);
}

} // namespace adit::wg
