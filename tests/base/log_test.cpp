// The log's two formats: what a reader of lines, and a reader of objects, can rely on whatever a value holds.
#include "base/log.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace adit {
namespace {

class LogLines : public testing::Test {
protected:
    void SetUp() override
    {
        lines.clear();
        log_to([](std::string_view line) { lines.emplace_back(line); });
    }
    void TearDown() override
    {
        log_to(nullptr);
        log_to_stderr(LogLevel::info);
    }
    static inline std::vector<std::string> lines;
};

TEST_F(LogLines, TextIsTheNameAndKeysWithValues)
{
    log_to_stderr(LogLevel::info, LogFormat::text);
    log_warn("mint_not_answering", {{"mint", "https://mint.example"}, {"took_ms", 41}, {"paused", true}});
    log_info("stopped");
    EXPECT_EQ(lines, (std::vector<std::string>{"mint_not_answering mint=https://mint.example took_ms=41 paused=true",
                                               "stopped"}));
}

TEST_F(LogLines, JsonIsOneObjectWhoseNumbersAndTruthsAreThat)
{
    log_to_stderr(LogLevel::info, LogFormat::json);
    log_warn("mint_not_answering",
             {{"mint", "https://mint.example"}, {"took_ms", -41}, {"sat", ~0ULL}, {"paused", false}, {"text", "7"}});
    ASSERT_EQ(lines.size(), 1U);
    const auto object = nlohmann::json::parse(lines.front(), nullptr, false);
    EXPECT_EQ(object, (nlohmann::json{{"event", "mint_not_answering"},
                                      {"mint", "https://mint.example"},
                                      {"took_ms", -41},
                                      {"sat", ~0ULL},
                                      {"paused", false},
                                      {"text", "7"}}));
}

TEST_F(LogLines, NoValueBreaksOutOfItsJsonString)
{
    log_to_stderr(LogLevel::info, LogFormat::json);
    std::string every_byte;
    for (int byte = 0; byte < 0x80; ++byte) every_byte += static_cast<char>(byte);
    log_info("x", {{"detail", every_byte}, {"why", "\",\"level\":\"error"}, {"text", "größer 漢"}});
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines.front().find('\n'), std::string::npos);
    const auto object = nlohmann::json::parse(lines.front(), nullptr, false);
    ASSERT_TRUE(object.is_object()) << lines.front();
    EXPECT_EQ(object.size(), 4U);
    EXPECT_EQ(object["detail"], every_byte);
    EXPECT_EQ(object["why"], "\",\"level\":\"error");
    EXPECT_EQ(object["text"], "größer 漢");
}

TEST_F(LogLines, BytesThatAreNoTextDoNotSpoilTheObject)
{
    log_to_stderr(LogLevel::info, LogFormat::json);
    log_info("x", {{"detail", std::string("a\xff\xc3(")}});
    ASSERT_EQ(lines.size(), 1U);
    const auto object = nlohmann::json::parse(lines.front(), nullptr, false);
    ASSERT_TRUE(object.is_object()) << lines.front();
    EXPECT_EQ(object["detail"], "a\ufffd\ufffd(");
}

TEST_F(LogLines, LinesAreCountedByLevel)
{
    const auto errors = lines_logged(LogLevel::error);
    const auto warnings = lines_logged(LogLevel::warn);
    log_error("x");
    log_error("x");
    log_warn("x");
    EXPECT_EQ(lines_logged(LogLevel::error), errors + 2);
    EXPECT_EQ(lines_logged(LogLevel::warn), warnings + 1);
}

} // namespace
} // namespace adit
