// cli/qr.h - a QR code out of half blocks, for a terminal.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace adit::cli {

/// UTF-8 lines, dark on light whatever the terminal's colours where `Ink::ansi`, with a quiet zone of two modules.
enum class Ink { plain, ansi };
/// Errors: bad_request (too long for a QR code: over 2953 bytes).
Result<std::string> qr_code(std::string_view text, Ink ink);

} // namespace adit::cli
