// cli/verbs.h - what a user can type after `adit`.
#pragma once

#include "cli/arguments.h"
#include "cli/terminal.h"

#include <filesystem>

namespace adit::cli {

/// How adit ends. 3: the purchase file named on standard error has money in an open state; `adit buy --resume` goes on.
enum Exit : int { kDone = 0, kFailed = 1, kUsage = 2, kOpen = 3 };

struct Verb {
    std::string_view name;
    std::string_view summary; // one line
    std::string_view help;    // usage, options, examples
    std::span<const Option> options;
    int (*run)(const Arguments& arguments, Terminal& terminal);
};

/// The buyer's, and those that ask a daemon.
std::span<const Verb> verbs();

/// One of `verbs`. `words` without the program's name. Never throws; prints everything there is to say.
int run(std::span<const std::string> words, Terminal& terminal, std::span<const Verb> verbs);

// One each in verb_<name>.cpp.
extern const Verb kBrowse;
extern const Verb kBuy;
extern const Verb kClose;
extern const Verb kOpenDelivery; // verb_open.cpp
extern const Verb kRedeem;
extern const Verb kStatus;
extern const Verb kWallet;
extern const Verb kListing;
extern const Verb kSessions;
extern const Verb kTop;
extern const Verb kGrant;

/// Says what is wrong with the words typed, and where to read on. Gives kUsage.
int usage_error(Terminal& terminal, std::string_view verb, const std::string& what);
/// Gives kFailed.
int failure(Terminal& terminal, const std::string& what);

} // namespace adit::cli
