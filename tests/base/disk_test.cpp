// Files with their modes, log lines, and the points where a test may make the process die.
#define ADIT_CRASH_POINTS 1
#include "base/crash_point.cpp" // NOLINT(bugprone-suspicious-include): builds of this folder may have it switched off
#include "base/file.h"
#include "base/log.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace adit {
namespace {

namespace fs = std::filesystem;

class Disk : public testing::Test {
protected:
    void SetUp() override
    {
        std::string pattern = (fs::temp_directory_path() / "adit-disk-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { fs::remove_all(folder_); }
    fs::path at(const char* name) const { return folder_ / name; }
    static mode_t mode_of(const fs::path& path)
    {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0);
        return status.st_mode & 0777U;
    }
    static void write_plain(const fs::path& path, std::string_view content) { std::ofstream(path) << content; }

private:
    fs::path folder_;
};

TEST_F(Disk, APrivateFileIsMode0600WhateverTheUmask)
{
    const mode_t before = ::umask(0);
    EXPECT_TRUE(write_private_file(at("a"), "one"));
    EXPECT_TRUE(create_private_file(at("b"), "two"));
    ::umask(before);
    EXPECT_EQ(mode_of(at("a")), 0600U);
    EXPECT_EQ(mode_of(at("b")), 0600U);
    EXPECT_EQ(*read_file(at("a")), "one");
}

TEST_F(Disk, WritingReplacesAndLeavesNothingBeside)
{
    write_plain(at("a"), "old and longer");
    EXPECT_TRUE(write_private_file(at("a"), "new"));
    EXPECT_EQ(*read_file(at("a")), "new");
    EXPECT_EQ(mode_of(at("a")), 0600U);
    EXPECT_EQ(std::distance(fs::directory_iterator(at("a").parent_path()), fs::directory_iterator()), 1);
}

TEST_F(Disk, CreatingLeavesAnExistingFileAlone)
{
    write_plain(at("a"), "precious");
    const auto created = create_private_file(at("a"), "new");
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().reason, Reason::io);
    EXPECT_EQ(*read_file(at("a")), "precious");
}

TEST_F(Disk, CreatingLeavesNothingBesideWhetherItWorksOrNot)
{
    ASSERT_TRUE(create_file(at("a"), "one", 0644));
    EXPECT_FALSE(create_file(at("a"), "two", 0644));
    EXPECT_FALSE(create_file("/dev/full/a", "two", 0644));
    EXPECT_EQ(mode_of(at("a")), 0644U);
    EXPECT_EQ(*read_file(at("a")), "one");
    EXPECT_EQ(std::distance(fs::directory_iterator(at("a").parent_path()), fs::directory_iterator()), 1);
}

TEST_F(Disk, ASymlinkIsNotFollowedWhenWriting)
{
    write_plain(at("target"), "precious");
    fs::create_symlink(at("target"), at("link"));
    fs::create_symlink(at("target"), at("other.new"));
    EXPECT_FALSE(create_private_file(at("link"), "new"));
    EXPECT_FALSE(write_private_file(at("other"), "new"));
    EXPECT_EQ(*read_file(at("target")), "precious");
}

TEST_F(Disk, ReadingStopsAtTheLimitAndNamesThePath)
{
    write_plain(at("a"), std::string(100, 'x'));
    EXPECT_EQ(read_file(at("a"), 100)->size(), 100U);
    const auto over = read_file(at("a"), 99);
    ASSERT_FALSE(over);
    EXPECT_NE(over.error().detail.find(at("a").string()), std::string::npos);
    EXPECT_EQ(over.error().detail.find("xxx"), std::string::npos);
    EXPECT_EQ(read_file(at("absent")).error().reason, Reason::io);
    EXPECT_FALSE(read_file("/dev/zero", 1000));
}

TEST_F(Disk, WhatIsNoRegularFileIsRefusedAtOnce)
{
    ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0); // nobody ever writes to it
    std::filesystem::create_symlink(at("pipe"), at("link"));
    std::filesystem::create_directory(at("folder"));
    for (const auto& path : {at("pipe"), at("link"), at("folder"), std::filesystem::path("/dev/null")}) {
        const auto refused = read_file(path);
        ASSERT_FALSE(refused) << path;
        EXPECT_EQ(refused.error().reason, Reason::io);
        EXPECT_NE(refused.error().detail.find(path.string()), std::string::npos) << refused.error().detail;
        EXPECT_NE(refused.error().detail.find("no regular file"), std::string::npos) << refused.error().detail;
    }
}

TEST_F(Disk, OpennessFollowsTheModeBits)
{
    write_plain(at("a"), "");
    const std::pair<mode_t, FileOpenness> cases[]{
        {0600, FileOpenness::closed},         {0400, FileOpenness::closed}, {0640, FileOpenness::group_readable},
        {0440, FileOpenness::group_readable}, {0644, FileOpenness::open},   {0620, FileOpenness::open},
        {0602, FileOpenness::open},           {0660, FileOpenness::open}};
    for (const auto& [mode, expected] : cases) {
        ASSERT_EQ(::chmod(at("a").c_str(), mode), 0);
        EXPECT_EQ(*openness(at("a")), expected) << std::oct << mode;
    }
    EXPECT_FALSE(openness(at("absent")));
}

std::vector<std::string> lines;

class Log : public testing::Test {
protected:
    void SetUp() override
    {
        lines.clear();
        log_to([](std::string_view line) { lines.emplace_back(line); });
    }
    void TearDown() override { log_to(nullptr); }
};

TEST_F(Log, ALineIsANameAndItsFieldsInOrder)
{
    log_info("session_active", {{"purchase", 1042}, {"tier", 2U}, {"ok", true}, {"state", "active"}});
    EXPECT_EQ(lines.at(0), "session_active purchase=1042 tier=2 ok=true state=active");
}

TEST_F(Log, AValueCanNeitherStartALineNorFakeAField)
{
    log_warn("odd", {{"a", "x\ny=1"},
                     {"b", "two words"},
                     {"c", "say \"hi\" \\"},
                     {"d", ""},
                     {"e", "k=v"},
                     {"f", "\x1b[31m\x7f\r"}});
    EXPECT_EQ(lines.at(0), R"(odd a="x?y=1" b="two words" c="say \"hi\" \\" d="" e="k=v" f="?[31m??")");
}

using CrashPointDeath = Disk;

TEST_F(CrashPointDeath, TheNumberedPointEndsTheProcessAndTheLogNamesThosePassed)
{
    const fs::path log = at("points");
    const auto pass_three = [&] {
        ::setenv("ADIT_CRASH_AT", "2", 1);
        ::setenv("ADIT_CRASH_LOG", log.c_str(), 1);
        crash_point("first");
        crash_point("second");
        crash_point("third");
        ::_exit(0);
    };
    EXPECT_EXIT(pass_three(), testing::ExitedWithCode(86), "");
    EXPECT_EQ(*read_file(log), "1 first\n2 second\n");
}

TEST_F(CrashPointDeath, WithoutANumberNothingHappens)
{
    const auto pass_two = [] {
        ::unsetenv("ADIT_CRASH_AT");
        ::unsetenv("ADIT_CRASH_LOG");
        crash_point("first");
        crash_point("second");
        ::_exit(7);
    };
    EXPECT_EXIT(pass_two(), testing::ExitedWithCode(7), "");
}

} // namespace
} // namespace adit
