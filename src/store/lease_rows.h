// store/lease_rows.h - taking and resting leases within a step. Internal to the store.
#pragma once

#include "store/rows.h"

namespace adit::store {

struct HeldLease {
    Lease lease;
    bool used_candidate = false;
};
/// The client's lease, awake; else `candidate` becomes it. Errors: no_ip_available, busy.
Result<HeldLease> wake_or_make_lease(Database& db, std::string_view client, const Lease* candidate);
/// False where the client has none.
Result<bool> wake_lease(Database& db, std::string_view client);
/// When an address that this client lets go now may be another's. Where no peer can have had it, it needs no rest: or
/// strangers, whose swaps a silent mint leaves open, could make the whole pool rest.
Result<UnixSeconds> end_of_needed_rest(Database& db, std::string_view client, UnixSeconds now);

} // namespace adit::store
