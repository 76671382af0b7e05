// base/crash_point.h - places where a test may make the process die, as a power cut would. Nothing in a release.
#pragma once

#include <string_view>

namespace adit {

#ifdef ADIT_CRASH_POINTS
/// Counts the points passed in this process; the one that $ADIT_CRASH_AT names ends it at once with status 86: "7", the
/// seventh of all, or "name 2", the second of that name (which other threads do not move).
/// Where $ADIT_CRASH_FROM names a file, only points passed while it exists are counted: not those of the start, say.
/// With $ADIT_CRASH_LOG set, each point appends its name to that file, so that a test can count them.
void crash_point(std::string_view name);
#else
inline void crash_point(std::string_view) {}
#endif

} // namespace adit
