#include "operate/shop_folder.h"

#include "base/crash_point.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace adit::operate {

namespace fs = std::filesystem;

namespace {

Error cannot(const std::string& what, const fs::path& path)
{
    return Error{Reason::io, "cannot " + what + " " + path.string() + ": " + std::strerror(errno)};
}

std::optional<std::uint32_t> parse_id(std::string_view text)
{
    std::uint32_t id = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return id;
}

std::optional<FileOwner> user_named(const std::string& name)
{
    const passwd* user = ::getpwnam(name.c_str());
    if (!user) return std::nullopt;
    return FileOwner{user->pw_uid, user->pw_gid};
}

std::optional<FileOwner> owner_of(const std::string& text)
{
    const std::size_t colon = text.find(':');
    const auto user = parse_id(text.substr(0, colon));
    if (!user) return user_named(text);
    const auto group = colon == std::string::npos ? user : parse_id(text.substr(colon + 1));
    if (!group) return std::nullopt;
    return FileOwner{*user, *group};
}

} // namespace

Result<std::optional<FileOwner>> find_owner(const std::optional<std::string>& wanted)
{
    const bool root = ::geteuid() == 0;
    if (!wanted) return root ? user_named("adit") : std::optional<FileOwner>();
    auto owner = owner_of(*wanted);
    if (!owner)
        return Error{Reason::bad_request, "--owner: there is no such user. The package makes one, or: useradd --system "
                                          "--home-dir /var/lib/adit --shell /usr/sbin/nologin adit"};
    if (!root && owner->user != ::geteuid())
        return Error{Reason::bad_request, "--owner: only root may give files to another user"};
    return owner;
}

Result<void> check_folder(const fs::path& folder, Privacy privacy)
{
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) {
        if (errno != ENOENT) return cannot("look at", folder);
        // It will be made: somewhere above is a folder that is there.
        fs::path above = folder;
        while (above.has_relative_path() && ::stat(above.c_str(), &status) != 0) above = above.parent_path();
        if (::access(above.c_str(), W_OK | X_OK) != 0) {
            Error error = cannot("make " + folder.string() + " in", above);
            if (::geteuid() != 0) error.detail += ": run it as root, or name a folder of yours";
            return error;
        }
        return {};
    }
    if (!S_ISDIR(status.st_mode))
        return Error{Reason::bad_config, folder.string() + " is no folder: move it away, or name another one"};
    const mode_t others = privacy == Privacy::closed ? 0077 : 0022;
    if ((status.st_mode & others) != 0)
        return Error{Reason::bad_config, folder.string() + (privacy == Privacy::closed
                                                                ? ": others may look into it: chmod 700 it"
                                                                : ": others may write into it: chmod 755 or 700 it")};
    if (::access(folder.c_str(), W_OK | X_OK) != 0) return cannot("write into", folder);
    return {};
}

Result<bool> make_folder(const fs::path& folder, std::optional<FileOwner> owner)
{
    std::error_code failed;
    if (fs::is_directory(folder, failed)) return false;
    for (fs::path part; const fs::path& name : folder.parent_path()) {
        part /= name;
        if (::mkdir(part.c_str(), 0755) == 0) {
            // As `mkdir -p` would under an ordinary umask: only what is ours is closed.
            if (::chmod(part.c_str(), 0755) != 0) return cannot("make", part);
        } else if (errno != EEXIST) {
            return cannot("make", part);
        }
    }
    if (::mkdir(folder.c_str(), 0700) != 0) return cannot("make", folder);
    if (::chmod(folder.c_str(), 0700) != 0) return cannot("make", folder);
    if (owner && ::chown(folder.c_str(), owner->user, owner->group) != 0) return cannot("give away", folder);
    return true;
}

std::vector<fs::path> remove_half_written(const fs::path& folder)
{
    std::vector<fs::path> removed;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(".") || !name.ends_with(".new")) continue;
        // Ours have a process in their names; one that lives is still at it.
        const std::size_t end = name.size() - 4;
        const std::size_t dot = name.rfind('.', end - 1);
        const auto process = dot == std::string::npos ? std::nullopt : parse_id(name.substr(dot + 1, end - dot - 1));
        if (!process || (::kill(static_cast<pid_t>(*process), 0) == 0 || errno != ESRCH)) continue;
        if (::unlink(entry.path().c_str()) == 0) removed.push_back(entry.path());
    }
    return removed;
}

Result<Written> write_unless_there(const fs::path& path, const std::string& text, std::uint32_t mode,
                                   std::optional<FileOwner> owner)
{
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0) {
        const auto there = read_file(path);
        return there && *there == text ? Written::kept_same : Written::kept_other;
    }
    crash_point("init_before_" + path.filename().string());
    TRY(create_file(path, text, mode, owner));
    crash_point("init_after_" + path.filename().string());
    return Written::made;
}

} // namespace adit::operate
