// operate/shop_folder.h - the folders that `adit init` writes into: looked at before anything is written, and made.
#pragma once

#include "base/file.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace adit::operate {

/// Whom files belong to: `wanted` ("adit", "10001" or "10001:10001"), else, for root, the user "adit" where there is
/// one. None: whoever calls. Errors: bad_request (no such user, or not ours to give to).
Result<std::optional<FileOwner>> find_owner(const std::optional<std::string>& wanted);

enum class Privacy { ours_to_write, closed };
/// Whether files can be put there, or the folder can be made. `closed`: nobody else may look into it.
/// Errors: bad_config, io (says what to do).
Result<void> check_folder(const std::filesystem::path& folder, Privacy privacy);

/// With mode 0700, unless it is there. Gives whether it was made. Errors: io.
Result<bool> make_folder(const std::filesystem::path& folder, std::optional<FileOwner> owner);

/// Removes what create_file() was writing when a run was killed. Gives their names.
std::vector<std::filesystem::path> remove_half_written(const std::filesystem::path& folder);

/// A file that is there is kept.
enum class Written { made, kept_same, kept_other };
/// Errors: io.
Result<Written> write_unless_there(const std::filesystem::path& path, const std::string& text, std::uint32_t mode,
                                   std::optional<FileOwner> owner);

} // namespace adit::operate
