// store/file_lock.h - the folder, the file and the lock of a database. Internal to the store.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <memory>

namespace adit::store {

/// Held until it dies, by one process and one store in it. The file stays behind, empty: removing it would let a third
/// take a lock on a name that the second is still waiting for.
class FileLock {
public:
    /// Errors: store_unavailable.
    static Result<std::unique_ptr<FileLock>> take(const std::filesystem::path& path);
    ~FileLock();
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;

private:
    explicit FileLock(int fd) : fd_(fd) {}
    int fd_;
};

/// Makes the folders that are absent, 0700. Errors: store_unavailable.
Result<void> make_private_folder(const std::filesystem::path& folder);
/// Makes the file if absent, and 0600 in any case: SQLite gives its log the same mode. Not while it is open as a
/// database, since closing it here would drop SQLite's own locks. Errors: store_unavailable.
Result<void> make_private_file(const std::filesystem::path& path);

} // namespace adit::store
