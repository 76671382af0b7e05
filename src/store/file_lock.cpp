#include "store/file_lock.h"

#include "base/log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace adit::store {

namespace {

Error failed(const char* what, const std::filesystem::path& path)
{
    return {Reason::store_unavailable, std::string(what) + " " + path.string() + ": " + std::strerror(errno)};
}

} // namespace

Result<std::unique_ptr<FileLock>> FileLock::take(const std::filesystem::path& path)
{
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failed("cannot open", path);
    std::unique_ptr<FileLock> lock(new FileLock(fd));
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failed("cannot lock", path);
        return Error{Reason::store_unavailable,
                     "the database is in use by another aditd (" + path.string() + " is locked): stop that one first"};
    }
    return lock;
}

FileLock::~FileLock() { ::close(fd_); }

Result<void> make_private_folder(const std::filesystem::path& folder)
{
    std::vector<std::filesystem::path> absent;
    std::error_code error;
    for (auto at = folder; !at.empty() && !std::filesystem::exists(at, error); at = at.parent_path())
        absent.push_back(at);
    std::ranges::reverse(absent);
    for (const auto& parent : absent)
        if (::mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST) return failed("cannot make", parent);

    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) return failed("cannot look at", folder);
    // Not ours to change: it may be the operator's home, or shared. The files inside are 0600 in any case.
    if ((status.st_mode & 077) != 0)
        log_warn("store_folder_is_open", {{"folder", folder.string()}, {"wanted", "0700"}});
    return {};
}

Result<void> make_private_file(const std::filesystem::path& path)
{
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failed("cannot open", path);
    struct stat status {};
    Result<void> made;
    if (::fstat(fd, &status) != 0)
        made = failed("cannot look at", path);
    else if (!S_ISREG(status.st_mode))
        made = Error{Reason::store_unavailable, path.string() + " is not a file"};
    else if ((status.st_mode & 07777) != 0600 && ::fchmod(fd, 0600) != 0)
        made = failed("cannot make private", path);
    ::close(fd);
    if (!made) return made;
    // SQLite syncs the folder for its log, but it has not made this file.
    const int folder = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return failed("cannot open", path.parent_path());
    if (::fsync(folder) != 0) made = failed("cannot sync", path.parent_path());
    ::close(folder);
    return made;
}

} // namespace adit::store
