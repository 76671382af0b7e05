// base/ascii.h - letters and blanks of the texts that protocols are made of, whatever the locale.
#pragma once

#include <string>
#include <string_view>

namespace adit {

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// A to Z become small; every other byte stands as it is.
std::string to_lower(std::string_view text);

/// `text` without the blanks at its ends: a view into the same text.
std::string_view trimmed(std::string_view text, std::string_view blanks = " \t");

} // namespace adit
