#include "operate/database_snapshot.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace adit::operate {

namespace {

constexpr off_t kMostBytes = 256 << 20; // of each file; a session takes some 300 bytes
constexpr int kTries = 20;
constexpr std::array kSuffixes{"", "-wal", "-journal"}; // the index of the log (-shm) is made anew from the log

// SQLite's lock bytes: in the database file, held shared by whoever reads it (in WAL mode for as long as it is open),
// and in the index of its log, held shared as long as it is mapped.
constexpr off_t kSharedFirst = 0x40000002;
constexpr off_t kSharedLength = 510;
constexpr off_t kIndexInUse = 128;

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

Error snapshot_failed(const std::filesystem::path& path, const char* what)
{
    return {Reason::io, path.string() + ": " + what};
}

/// What changes when somebody writes.
struct Look {
    bool there = false;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t written_ns = 0;
    bool operator==(const Look&) const = default;
};

Look look_at(const std::filesystem::path& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return {};
    return {true, status.st_ino, status.st_size, status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec};
}

std::array<Look, kSuffixes.size()> look_at_all(const std::filesystem::path& database)
{
    std::array<Look, kSuffixes.size()> looks;
    for (std::size_t i = 0; i < kSuffixes.size(); ++i) looks.at(i) = look_at(database.string() + kSuffixes.at(i));
    return looks;
}

/// Without waiting, whatever the path is.
Result<Descriptor> open_plain(const std::filesystem::path& path)
{
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() < 0) return snapshot_failed(path, std::strerror(errno));
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return snapshot_failed(path, std::strerror(errno));
    if (S_ISDIR(status.st_mode)) return snapshot_failed(path, "this is a folder, and a database is a file in it");
    if (!S_ISREG(status.st_mode)) return snapshot_failed(path, "this is no plain file");
    if (status.st_size > kMostBytes)
        return snapshot_failed(path, "this is over 256 MiB, which no table of sessions is");
    return file;
}

Result<void> copy_into(const std::filesystem::path& from, const std::filesystem::path& to)
{
    const Descriptor in = TRY(open_plain(from));
    const Descriptor out(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (out.get() < 0) return snapshot_failed(to, std::strerror(errno));
    std::vector<char> block(1 << 16);
    off_t copied = 0;
    for (;;) {
        const ssize_t got = ::read(in.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return snapshot_failed(from, std::strerror(errno));
        if (got == 0) return {};
        copied += got;
        if (copied > kMostBytes) return snapshot_failed(from, "it grows while it is read");
        for (ssize_t written = 0; written < got;) {
            const ssize_t put = ::write(out.get(), block.data() + written, static_cast<std::size_t>(got - written));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return snapshot_failed(to, std::strerror(errno));
            written += put;
        }
    }
}

std::optional<pid_t> holder(const std::filesystem::path& path, off_t first, off_t length)
{
    const auto file = open_plain(path);
    if (!file) return std::nullopt;
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = first;
    lock.l_len = length;
    if (::fcntl(file->get(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
    return lock.l_pid > 0 ? lock.l_pid : 0;
}

} // namespace

Result<DatabaseSnapshot> DatabaseSnapshot::take(const std::filesystem::path& given)
{
    std::error_code wrong;
    // The logs stand beside the file itself, not beside a link to it.
    const auto database = std::filesystem::canonical(given, wrong);
    if (wrong) return snapshot_failed(given, wrong.message().c_str());
    TRY(open_plain(database)); // says what is wrong before anything is made
    std::string folder = (std::filesystem::temp_directory_path(wrong) / "adit-snapshot-XXXXXX").string();
    if (wrong || !::mkdtemp(folder.data())) return snapshot_failed(folder, std::strerror(errno));
    DatabaseSnapshot snapshot(folder);
    for (int tries = 0; tries < kTries; ++tries) {
        const auto before = look_at_all(database);
        for (std::size_t i = 0; i < kSuffixes.size(); ++i) {
            const std::filesystem::path to = snapshot.path().string() + kSuffixes.at(i);
            std::filesystem::remove(to, wrong);
            if (before.at(i).there) TRY(copy_into(database.string() + kSuffixes.at(i), to));
        }
        if (before.front().there && look_at_all(database) == before) return snapshot;
        ::usleep(100'000);
    }
    return snapshot_failed(database, "it is written to all the time: stop the program that does");
}

DatabaseSnapshot::DatabaseSnapshot(DatabaseSnapshot&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}

DatabaseSnapshot::~DatabaseSnapshot()
{
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::optional<pid_t> who_has_open(const std::filesystem::path& given)
{
    std::error_code wrong;
    const auto database = std::filesystem::canonical(given, wrong);
    if (wrong) return std::nullopt;
    if (const auto pid = holder(database, kSharedFirst, kSharedLength)) return pid;
    return holder(database.string() + "-shm", kIndexInUse, 1);
}

} // namespace adit::operate
