// devnet/world_folder.h - where the world leaves the passwords, macaroons and certificates that its visitors need.
#pragma once

#include "base/result.h"

#include <filesystem>

namespace adit::devnet {

class WorldFolder {
public:
    /// Empty: a temporary folder, which goes with its content at the end. Else it is made, 0700, where it is not there
    /// yet. Errors: io.
    static Result<WorldFolder> open(const std::filesystem::path& path);
    WorldFolder() = default;
    WorldFolder(WorldFolder&& other) noexcept;
    WorldFolder& operator=(WorldFolder&& other) noexcept;
    ~WorldFolder();

    /// A file of mode 0600, written over. Not synced: a world forgets everything anyway. Errors: io.
    Result<void> write(std::string_view name, std::string_view content) const;
    std::filesystem::path file(std::string_view name) const { return path_ / name; }

private:
    WorldFolder(std::filesystem::path path, bool temporary) : path_(std::move(path)), temporary_(temporary) {}
    std::filesystem::path path_;
    bool temporary_ = false;
};

} // namespace adit::devnet
