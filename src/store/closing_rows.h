// store/closing_rows.h - lines of the books, and purchases as rows, within a step. Internal to the store.
#pragma once

#include "store/rows.h"

namespace adit::store {

Result<void> insert_act(Database& db, const Act& act);
/// As reserved, and with its hold on the client's lease.
Result<void> insert_purchase(Database& db, std::int64_t id, const NewPurchase& purchase, std::string_view client);

} // namespace adit::store
