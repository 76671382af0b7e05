// payments/cashu/mint_url.h - when two texts name the same mint.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace adit::payments::cashu {

/// Scheme and host lowercase, no default port, no trailing slashes; the case of the path is kept. Refused: other
/// schemes than http and https, user names, queries, fragments, blanks and control characters, texts over 1024 bytes.
/// Errors: wrong_mint.
Result<std::string> normalise_mint_url(std::string_view url);
/// False where either is no mint URL.
bool same_mint(std::string_view a, std::string_view b);

} // namespace adit::payments::cashu
