// operate/mint_look.h - what a stranger sees of a mint, and whether an operator can be paid with its ecash.
// NUT-02, NUT-06
#pragma once

#include "operate/finding.h"
#include "payments/cashu/keyset.h"
#include "payments/cashu/mint_json.h"
#include "payments/http_client.h"

namespace adit::operate {

struct MintSight {
    std::string url;          // as it was given
    std::string silence = {}; // why nothing is known of it; "" where it answered anything
    std::optional<payments::cashu::MintInfo> info = {};
    std::optional<std::vector<payments::cashu::Keyset>> keysets = {}; // active ones in sat with keys that fit their id
};

/// Blocking: four requests or so, each for `timeout` at most. Errors are part of what is seen.
MintSight look_at_mint(payments::HttpClient& http, const std::string& url, Milliseconds timeout);

inline constexpr Seconds kKeysetEndsSoon{30 * 86400};

/// Pure. "mint-reachable", and of one that answers "mint-nuts", "mint-keyset" and "mint-fees".
std::vector<Finding> judge_mint(const MintSight& seen, UnixSeconds now);

} // namespace adit::operate
