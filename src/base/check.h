// base/check.h - the end of the process for our own mistakes. Never for input, network or disk.
#pragma once

namespace adit {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

} // namespace adit

/// Always compiled in. A failing CHECK is a bug of ours: the journal makes the restart safe, going on would not be.
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) ::adit::check_failed(#condition, __FILE__, __LINE__);                                        \
    } while (false)
