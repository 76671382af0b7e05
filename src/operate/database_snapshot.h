// operate/database_snapshot.h - another program's SQLite database, copied: reading one that is in WAL mode would write
// beside it, and files of ours there could keep its owner out.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <optional>
#include <sys/types.h>

namespace adit::operate {

/// The file and its logs as they stood at one moment, in a private folder that goes with it.
class DatabaseSnapshot {
public:
    /// Only reads. Errors: io, in words for the operator: no such file, no plain file, not readable, far too large for
    /// what it should be, or written to all the time.
    static Result<DatabaseSnapshot> take(const std::filesystem::path& database);
    DatabaseSnapshot(DatabaseSnapshot&& other) noexcept;
    DatabaseSnapshot& operator=(DatabaseSnapshot&&) = delete;
    ~DatabaseSnapshot();

    std::filesystem::path path() const { return folder_ / "copy.db"; }

private:
    explicit DatabaseSnapshot(std::filesystem::path folder) : folder_(std::move(folder)) {}
    std::filesystem::path folder_;
};

/// A process that has the database open, by the locks that SQLite holds; 0 where its number is not told.
std::optional<pid_t> who_has_open(const std::filesystem::path& database);

} // namespace adit::operate
