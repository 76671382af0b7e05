#include "operate/finding.h"

#include "cli/printable.h"
#include "cli/verbs.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace adit::operate {

namespace {

constexpr std::size_t kMostShown = 400; // of a text that a stranger may have written

const char* word(Level level)
{
    switch (level) {
    case Level::ok:
        return "ok";
    case Level::warn:
        return "warn";
    case Level::fail:
        return "fail";
    }
    return "fail";
}

bool any(std::span<const Finding> findings, Level level)
{
    return std::ranges::any_of(findings, [&](const Finding& finding) { return finding.level == level; });
}

std::string as_json(std::span<const Finding> findings)
{
    auto checks = nlohmann::ordered_json::array();
    for (const Finding& finding : findings) {
        nlohmann::ordered_json check{{"check", finding.check}, {"level", word(finding.level)}, {"what", finding.what}};
        if (!finding.hint.empty()) check["hint"] = finding.hint;
        checks.push_back(std::move(check));
    }
    const nlohmann::ordered_json all{{"ok", !any(findings, Level::fail)}, {"checks", std::move(checks)}};
    return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

} // namespace

void print(cli::Terminal& terminal, std::span<const Finding> findings, Form form)
{
    if (form == Form::json) {
        terminal.out(as_json(findings));
        return;
    }
    for (const Finding& finding : findings) {
        std::string line = word(finding.level);
        line.resize(6, ' ');
        terminal.out(line + finding.check + ": " + cli::printable(finding.what, kMostShown) + "\n");
        if (!finding.hint.empty()) terminal.out("      " + cli::printable(finding.hint, kMostShown) + "\n");
    }
}

int exit_status(std::span<const Finding> findings) { return any(findings, Level::fail) ? cli::kFailed : cli::kDone; }

} // namespace adit::operate
