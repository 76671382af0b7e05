#include "devnet/world_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace adit::devnet {
namespace {

Error failure(const std::filesystem::path& path) { return {Reason::io, path.string() + ": " + std::strerror(errno)}; }

} // namespace

Result<WorldFolder> WorldFolder::open(const std::filesystem::path& path)
{
    if (!path.empty()) {
        if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failure(path);
        return WorldFolder(path, false);
    }
    std::error_code error;
    std::string pattern = (std::filesystem::temp_directory_path(error) / "adit-devnet-XXXXXX").string();
    if (error || !::mkdtemp(pattern.data())) return failure(pattern);
    return WorldFolder(pattern, true);
}

WorldFolder::WorldFolder(WorldFolder&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, false))
{
}

WorldFolder& WorldFolder::operator=(WorldFolder&& other) noexcept
{
    std::swap(path_, other.path_);
    std::swap(temporary_, other.temporary_);
    return *this;
}

WorldFolder::~WorldFolder()
{
    std::error_code error;
    if (temporary_) std::filesystem::remove_all(path_, error);
}

Result<void> WorldFolder::write(std::string_view name, std::string_view content) const
{
    const std::filesystem::path path = file(name);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failure(path);
    const bool written =
        ::fchmod(fd, 0600) == 0 && ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size());
    const Error error = failure(path);
    ::close(fd);
    if (!written) return error;
    return {};
}

} // namespace adit::devnet
