// operate/europa_sessions.h - what of europa-node's sessions goes on here, what of it is mended first, and what is left
// out. Pure: rows in, a plan out.
#pragma once

#include "base/rng.h"
#include "operate/europa_database.h"
#include "operate/finding.h"
#include "store/store.h"
#include "wg/cidr.h"

namespace adit::operate {

struct MovingTerms {
    wg::AllowedIp subnet;
    std::optional<protocol::WireguardKey> server_key; // nobody else's
};

struct PlannedSession {
    store::AdoptedSession session;
    std::string called;                // for people: the start of its id there, and its address
    std::string goes_on;               // until when, and with how much
    std::vector<Finding> repairs = {}; // what was changed, from what to what
};

struct MovingPlan {
    std::vector<PlannedSession> live;
    std::vector<PlannedSession> ended;  // called active there, but over: only their peers are still to go
    std::vector<Finding> left_out = {}; // a warning where nothing is owed for sure, else a failure
};

/// The reference sells one unit at a time, each as a row of its own. Mended, in the buyer's favour or to what was
/// bought:
/// - a data tier's quota is its price times the unit there; one unit was bought;
/// - a second purchase with a key moves the peer to a second address, and the end of the first one removes it: here
///   they become one session at that second address, in which the second purchase adds to what was left of the first;
/// - times in milliseconds, missing ends, unreadable counts.
/// `rng` makes ids for sessions whose own can not be one that opens a session's page.
MovingPlan plan_moving_in(std::span<const EuropaSession> rows, const MovingTerms& terms, UnixSeconds now, Rng& rng);

} // namespace adit::operate
