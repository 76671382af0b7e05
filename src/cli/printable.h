// cli/printable.h - words of strangers, before they reach a terminal.
#pragma once

#include "base/money.h"
#include "base/time.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace adit::cli {

/// At most `limit` bytes, cut at a character: control characters (those of UTF-8's second block and the marks that turn
/// the direction of writing included) and what is no UTF-8 become '?', line breaks and tabs become blanks.
std::string printable(std::string_view text, std::size_t limit);
/// Columns that the text takes: characters, wide ones counted as two, combining ones as none.
std::size_t columns(std::string_view text);
/// printable, cut to so many columns with "…" at the end, padded with blanks to as many.
std::string fitted(std::string_view text, std::size_t width);
/// "2 h 5 min"; "none" for nothing and less.
std::string length_text(Seconds length);
/// "1.5 GiB"
std::string bytes_text(std::uint64_t bytes);
/// "21 sat"
std::string sats(Sat amount);

} // namespace adit::cli
