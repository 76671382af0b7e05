#include "base/file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace adit {

namespace {

Error io_error(const char* what, const std::filesystem::path& path)
{
    return {Reason::io, std::string(what) + " " + path.string() + ": " + std::strerror(errno)};
}

class File {
public:
    File(const std::filesystem::path& path, int flags, mode_t mode = 0)
        : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode))
    {
    }
    ~File()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd() const { return fd_; }
    bool opened() const { return fd_ >= 0; }

private:
    int fd_;
};

bool write_all(int fd, std::string_view content)
{
    while (!content.empty()) {
        const ssize_t written = ::write(fd, content.data(), content.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            return false;
        }
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

/// Renames where nothing has the new name, in one step: nobody ever sees a part of the file, and nothing is
/// overwritten.
bool rename_to_nothing(const std::filesystem::path& from, const std::filesystem::path& to)
{
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno != EINVAL && errno != ENOSYS) return false;
    // A file system that can not: a second name, then without the first.
    return ::link(from.c_str(), to.c_str()) == 0 && ::unlink(from.c_str()) == 0;
}

Result<void> sync_folder_of(const std::filesystem::path& path)
{
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    const File handle(folder, O_RDONLY | O_DIRECTORY);
    if (!handle.opened() || ::fsync(handle.fd()) != 0) return io_error("cannot sync", folder);
    return {};
}

} // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit)
{
    // A pipe without a writer would keep open() waiting for one.
    const File file(path, O_RDONLY | O_NONBLOCK);
    if (!file.opened()) return io_error("cannot open", path);
    struct stat status {};
    if (::fstat(file.fd(), &status) != 0) return io_error("cannot look at", path);
    if (!S_ISREG(status.st_mode)) return Error{Reason::io, "cannot read " + path.string() + ": it is no regular file"};
    std::string content;
    char block[16384];
    for (;;) {
        const ssize_t count = ::read(file.fd(), block, sizeof block);
        if (count < 0) {
            if (errno == EINTR) continue;
            return io_error("cannot read", path);
        }
        if (count == 0) return content;
        content.append(block, static_cast<std::size_t>(count));
        if (content.size() > limit)
            return Error{Reason::io, path.string() + ": larger than " + std::to_string(limit) + " bytes"};
    }
}

Result<void> write_private_file(const std::filesystem::path& path, std::string_view content)
{
    std::filesystem::path beside = path;
    beside += ".new";
    {
        const File file(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
        if (!file.opened()) return io_error("cannot create", beside);
        if (::fchmod(file.fd(), 0600) != 0 || !write_all(file.fd(), content) || ::fsync(file.fd()) != 0)
            return io_error("cannot write", beside);
    }
    if (::rename(beside.c_str(), path.c_str()) != 0) return io_error("cannot rename to", path);
    return sync_folder_of(path);
}

Result<void> create_private_file(const std::filesystem::path& path, std::string_view content)
{
    return create_file(path, content, 0600);
}

Result<void> create_file(const std::filesystem::path& path, std::string_view content, std::uint32_t mode,
                         std::optional<FileOwner> owner)
{
    // Another process may be at the same, so each has a name of its own.
    const auto beside =
        path.parent_path() / ("." + path.filename().string() + "." + std::to_string(::getpid()) + ".new");
    {
        const File file(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        if (!file.opened()) return io_error("cannot create", path);
        const bool given = !owner || ::fchown(file.fd(), owner->user, owner->group) == 0;
        if (!given || ::fchmod(file.fd(), mode) != 0 || !write_all(file.fd(), content) || ::fsync(file.fd()) != 0) {
            const Error error = io_error("cannot write", path);
            ::unlink(beside.c_str());
            return error;
        }
    }
    if (!rename_to_nothing(beside, path)) {
        const Error error = io_error("cannot create", path);
        ::unlink(beside.c_str());
        return error;
    }
    return sync_folder_of(path);
}

Result<FileOpenness> openness(const std::filesystem::path& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return io_error("cannot look at", path);
    if ((status.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0) return FileOpenness::open;
    return (status.st_mode & S_IRGRP) != 0 ? FileOpenness::group_readable : FileOpenness::closed;
}

} // namespace adit
