// operate/verbs.h - what an operator can type after `adit`, beside the verbs of cli.
#pragma once

#include "cli/verbs.h"

namespace adit::operate {

std::span<const cli::Verb> verbs();

} // namespace adit::operate
