// cli/top_text.h - the daemon's answer to `top`, as a page of text.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace adit::cli {

/// Total: what is missing or of another kind is shown as "?", or not at all. No control characters but line ends.
std::string top_text(const nlohmann::json& answer);

} // namespace adit::cli
