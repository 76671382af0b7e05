#include "operate/check_files.h"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <sys/statvfs.h>

namespace adit::operate {

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kTooLittle = 64 * kMiB; // a purchase's rows and the log that they go through, with some room
constexpr std::uint64_t kLittle = 1024 * kMiB;
constexpr std::uint64_t kFewFiles = 100;

std::string octal(unsigned mode)
{
    std::string text = "0000";
    for (std::size_t i = 4; i-- > 0; mode >>= 3U) text[i] = static_cast<char>('0' + (mode & 7U));
    return text;
}

/// What has to be read by its owner alone.
void check_private_file(Findings& found, const std::filesystem::path& path)
{
    const auto mode = openness(path);
    if (!mode) {
        found.push_back({"file-modes", Level::warn, path.string() + " was not looked at: " + mode.error().detail,
                         "run adit check as root or as the user that aditd runs as"});
        return;
    }
    switch (*mode) {
    case FileOpenness::open:
        found.push_back({"file-modes", Level::fail, path.string() + " may be read or written by others",
                         "chmod 600 " + path.string() + ": it holds money"});
        return;
    case FileOpenness::group_readable:
        found.push_back({"file-modes", Level::warn, path.string() + " may be read by its group",
                         "chmod 600 " + path.string() + ": it holds money"});
        return;
    case FileOpenness::closed:
        return;
    }
}

/// The folder itself, or the nearest one above it that is there.
std::filesystem::path existing(std::filesystem::path folder)
{
    struct stat status {};
    while (folder.has_relative_path() && ::stat(folder.c_str(), &status) != 0 && errno == ENOENT)
        folder = folder.parent_path();
    return folder.empty() ? "." : folder;
}

void check_space(Findings& found, const std::filesystem::path& folder)
{
    struct statvfs space {};
    if (::statvfs(folder.c_str(), &space) != 0) {
        found.push_back({"disk", Level::warn,
                         "the space at " + folder.string() + " was not looked at: " + std::strerror(errno),
                         "run adit check as root or as the user that aditd runs as"});
        return;
    }
    // A file system without inodes of its own (btrfs) says 0 of 0.
    const std::uint64_t files = space.f_files == 0 ? kFewFiles : space.f_favail;
    found.push_back(judge_space(folder, static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize, files));
}

} // namespace

Finding judge_folder(const std::filesystem::path& folder, unsigned mode)
{
    const std::string what = folder.string() + " has mode " + octal(mode);
    const std::string hint = "chmod 700 " + folder.string() + ", owned by the user that aditd runs as";
    if ((mode & 022U) != 0) return {"database-folder", Level::fail, what + ": others may write into it", hint};
    if ((mode & 007U) != 0) return {"database-folder", Level::fail, what + ": others may look into it", hint};
    if ((mode & 070U) != 0) return {"database-folder", Level::warn, what + ": its group may look into it", hint};
    return {"database-folder", Level::ok, what};
}

Finding judge_space(const std::filesystem::path& folder, std::uint64_t free_bytes, std::uint64_t free_files)
{
    const std::string what = std::to_string(free_bytes / kMiB) + " MiB free at " + folder.string();
    const std::string hint = "make room: aditd sells nothing that it can not write down first";
    if (free_files < kFewFiles) return {"disk", Level::fail, "hardly a file can be made at " + folder.string(), hint};
    if (free_bytes < kTooLittle) return {"disk", Level::fail, what, hint};
    if (free_bytes < kLittle) return {"disk", Level::warn, what, hint};
    return {"disk", Level::ok, what};
}

Findings check_files(const app::Config& config)
{
    Findings found;
    const std::filesystem::path folder = config.database.ours.parent_path();
    struct stat status {};
    if (::stat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
        found.push_back(judge_folder(folder, status.st_mode & 07777U));
    } else if (errno == ENOENT) {
        found.push_back(
            {"database-folder", Level::ok, folder.string() + " is not there yet; aditd makes it, mode 0700"});
    } else {
        found.push_back({"database-folder", Level::fail, folder.string() + " is no folder that can be looked at",
                         "make it a folder with mode 0700, owned by the user that aditd runs as"});
    }
    for (const std::filesystem::path& file :
         {config.database.ours,
          config.database.ours.parent_path() / (config.database.ours.filename().string() + "-wal"),
          config.cashu.seed_file})
        if (::stat(file.c_str(), &status) == 0 || errno != ENOENT) check_private_file(found, file);
    check_space(found, existing(folder));
    return found;
}

} // namespace adit::operate
