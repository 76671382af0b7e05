// base/file.h - files that must survive a power cut or must not be read by others.
#pragma once

#include "base/bytes.h"

#include <filesystem>
#include <optional>
#include <string>

namespace adit {

/// Errors: io (with the path and errno's words, never the content). Refuses files over `limit` bytes, and what is no
/// regular file: a pipe or a device could keep the caller waiting for ever.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = 1 << 20);
/// Writes beside the target with mode 0600, syncs, renames over it, syncs the folder. Errors: io.
Result<void> write_private_file(const std::filesystem::path& path, std::string_view content);
/// As write_private_file, but an existing file (or link) is left alone and refused. Errors: io.
Result<void> create_private_file(const std::filesystem::path& path, std::string_view content);

struct FileOwner {
    std::uint32_t user = 0;
    std::uint32_t group = 0;
};
/// As create_private_file, with any mode, and for another user where the caller may give files away. The file is there
/// whole or not at all; what a process that is killed leaves is called ".<name>.<pid>.new". Errors: io.
Result<void> create_file(const std::filesystem::path& path, std::string_view content, std::uint32_t mode,
                         std::optional<FileOwner> owner = {});

enum class FileOpenness { closed, group_readable, open };
/// `open`: others may read, or group or others may write. Errors: io.
Result<FileOpenness> openness(const std::filesystem::path& path);

} // namespace adit
