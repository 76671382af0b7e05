// operate/finding.h - what a look at a shop finds: one line each, with what to do about it.
#pragma once

#include "cli/terminal.h"

#include <span>
#include <string>
#include <vector>

namespace adit::operate {

enum class Level { ok, warn, fail };

struct Finding {
    std::string check; // a fixed name, e.g. "listing-p2pk": stays the same across versions, scripts compare it
    Level level = Level::ok;
    std::string what;      // what was seen, with the value that was looked at; never a secret
    std::string hint = {}; // what the operator should do; empty for ok
};

enum class Form { lines, json };

/// All of them, in order, to standard output. Lines: "ok    name: what", and the hint indented below; JSON: an object
/// {"ok": bool, "checks": [{"check", "level", "what", "hint"?}…]}, where ok says that none failed.
void print(cli::Terminal& terminal, std::span<const Finding> findings, Form form);

/// kFailed if any failed, else kDone: warnings do not stop a script.
int exit_status(std::span<const Finding> findings);

} // namespace adit::operate
