// store/migrations.h - how a database file becomes the one this program knows.
// migrations/NNNN_name.sql are only ever appended; the build embeds them in the order of their numbers.
#pragma once

#include "store/database.h"

#include <span>

namespace adit::store {

struct Migration {
    std::int64_t version; // 1, 2, 3 …
    std::string_view name;
    std::string_view sql;
};

/// Of this program, in order.
std::span<const Migration> embedded_migrations();

/// Brings the database up to the last of `migrations`, each in a transaction of its own. Gives how many were applied.
/// Errors: store_unavailable; also where the database has been used by a newer program.
Result<std::size_t> migrate(Database& db, std::span<const Migration> migrations, UnixSeconds now);

} // namespace adit::store
