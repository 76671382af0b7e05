#include "cli/purchase_command.h"

#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

namespace adit::cli {
namespace {

class FileClaimTest : public testing::Test {
protected:
    FileClaimTest()
    {
        char name[] = "/tmp/adit-claim-XXXXXX";
        EXPECT_NE(::mkdtemp(name), nullptr);
        folder_ = name;
    }
    ~FileClaimTest() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path file() const { return folder_ / "purchase.json"; }
    std::filesystem::path lock() const { return folder_ / "purchase.json.lock"; }

    std::filesystem::path folder_;
};

TEST_F(FileClaimTest, IsHeldOnceUntilItEndsAndLeavesNothingBehind)
{
    {
        const auto first = FileClaim::take(file());
        ASSERT_TRUE(first) << first.error().detail;
        for (int i = 0; i < 2; ++i) {
            const auto second = FileClaim::take(file());
            ASSERT_FALSE(second) << "two hold it at once";
            EXPECT_EQ(second.error().reason, Reason::bad_step);
        }
        EXPECT_TRUE(FileClaim::take(folder_ / "another.json"));
    }
    EXPECT_FALSE(std::filesystem::exists(lock()));
    EXPECT_TRUE(FileClaim::take(file()));
}

TEST_F(FileClaimTest, WhatAKilledProcessLeftIsInNobodysWay)
{
    const int fd = ::open(lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_EQ(::flock(fd, LOCK_EX), 0);
    EXPECT_FALSE(FileClaim::take(file()));
    ::close(fd); // as the end of a process does, which removes no file
    EXPECT_TRUE(FileClaim::take(file()));
}

} // namespace
} // namespace adit::cli
