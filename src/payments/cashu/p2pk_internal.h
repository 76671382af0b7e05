// payments/cashu/p2pk_internal.h - what signing and verifying of locks share. Internal to this folder.
#pragma once

#include "payments/cashu/p2pk.h"

#include <optional>
#include <vector>

namespace adit::payments::cashu {

/// The tags of P2PK, which HTLC shares; `first_keys` are those that stand before `pubkeys`. Errors: wrong_p2pk.
Result<P2pkLock> parse_lock_tags(const WellKnownSecret& secret, std::vector<Point> first_keys);

/// The secrets of one transaction's inputs, none where plain.
struct Mix {
    std::vector<std::optional<WellKnownSecret>> secrets;
    SigFlag sigflag = SigFlag::inputs; // all: then every input has the first one's kind, data and tags
};
/// Errors: wrong_p2pk (a malformed secret, or SIG_ALL beside other conditions).
Result<Mix> check_mix(std::span<const Proof> inputs);

} // namespace adit::payments::cashu
