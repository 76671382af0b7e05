// operate/check.h - everything that can be known of a shop before it opens.
#pragma once

#include "operate/side_by_side.h"

#include "base/rng.h"

#include <filesystem>

namespace adit::operate {

struct CheckOptions {
    std::filesystem::path config;
    std::string ca_file = {}; // certificates in PEM to trust instead of the system's, for HTTPS names and relays
    bool publish = false;     // a trial event to each relay
};

inline constexpr Milliseconds kCheckLimit{30'000};

struct CheckResult {
    Findings findings;
    bool all_done = true; // else threads still hang: end the process without its destructors
};

/// Blocking, for kCheckLimit at most. Changes nothing, but for what --publish says; where aditd does not run, its port
/// is listened on for as long as this looks. Clock and Rng must outlive the process.
CheckResult check_shop(const CheckOptions& options, const Clock& clock, Rng& rng);

} // namespace adit::operate
