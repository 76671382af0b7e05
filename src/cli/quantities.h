// cli/quantities.h - lengths of time and counts of bytes, as people read them.
#pragma once

#include "base/time.h"

#include <cstdint>
#include <string>

namespace adit::cli {

/// "41 s", "3 h 20 min"; "none" where nothing is left.
std::string length_text(Seconds length);
/// "1.5 GiB", rounded down. Over an EiB it is one.
std::string bytes_text(std::uint64_t bytes);

} // namespace adit::cli
