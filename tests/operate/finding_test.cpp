#include "operate/finding.h"

#include "cli/verbs.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

namespace adit::operate {
namespace {

using testing::internal::CaptureStdout;
using testing::internal::GetCapturedStdout;

std::string printed(std::span<const Finding> findings, Form form)
{
    cli::Terminal terminal;
    CaptureStdout();
    print(terminal, findings, form);
    return GetCapturedStdout();
}

const std::vector<Finding> kMixed{{"config", Level::ok, "no mistakes"},
                                  {"clock", Level::warn, "3 s apart", "run an NTP client"},
                                  {"relay", Level::fail, "said \x1b[31mno", "choose another"}};

TEST(Finding, WarningsDoNotStopAScriptAndFailuresDo)
{
    EXPECT_EQ(exit_status(std::span(kMixed).first(2)), cli::kDone);
    EXPECT_EQ(exit_status(kMixed), cli::kFailed);
    EXPECT_EQ(exit_status({}), cli::kDone);
}

TEST(Finding, LinesSayLevelNameAndHintAndNoControlCharacterOfAStranger)
{
    const std::string text = printed(kMixed, Form::lines);
    EXPECT_NE(text.find("ok    config: no mistakes\n"), std::string::npos);
    EXPECT_NE(text.find("warn  clock: 3 s apart\n      run an NTP client\n"), std::string::npos);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Finding, JsonHasEveryCheckAndWhetherNoneFailed)
{
    const auto json = nlohmann::json::parse(printed(kMixed, Form::json));
    EXPECT_EQ(json["ok"], false);
    ASSERT_EQ(json["checks"].size(), 3U);
    EXPECT_FALSE(json["checks"][0].contains("hint"));
    EXPECT_EQ(json["checks"][2]["level"], "fail");
    EXPECT_EQ(json["checks"][2]["hint"], "choose another");
}

} // namespace
} // namespace adit::operate
