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

} // namespace adit::store
