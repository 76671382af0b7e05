// operate/verbs.h - what an operator can type after `adit`, beside the verbs of cli.
#pragma once

#include "cli/verbs.h"

namespace adit::operate {

std::span<const cli::Verb> verbs();

// One each in verb_<name>.cpp.
extern const cli::Verb kCheck;
extern const cli::Verb kDiagnose;
extern const cli::Verb kInit;
extern const cli::Verb kMigrate;

} // namespace adit::operate
