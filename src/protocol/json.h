// protocol/json.h - JSON from strangers, and the one way we write its strings.
#pragma once

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace adit::protocol {

inline constexpr std::size_t kMaxJsonDepth = 8; // the deepest message here is a proof's dleq in a token event: 5

/// Refuses nesting beyond max_depth before anything is built, so that neither the parser nor dump() nor a destructor
/// meets depth chosen by a stranger. The caller caps the size: what is built may take thirty times the text's bytes.
/// Errors: bad_encoding (not JSON, not UTF-8, too deep); the text is not repeated.
Result<nlohmann::json> parse_json(std::string_view text, std::size_t max_depth = kMaxJsonDepth);

/// One line of an object that we built ourselves, so that its depth is ours; what is not UTF-8 in it is replaced.
std::string dump(const nlohmann::ordered_json& value);

/// How the control characters that NIP-01 has no short form for are written.
enum class Controls {
    escaped,  // \u00xx, as JSON wants and JSON libraries do
    verbatim, // as the letter of NIP-01; only ever hashed
};

/// Appends `text` in quotes with NIP-01's escapes: non-ASCII, '/' and 0x7F stand as they are.
void append_json_string(std::string& out, std::string_view text, Controls controls = Controls::escaped);

} // namespace adit::protocol
