// operate/check_files.h - who may read what is kept here, and whether there is room for more.
#pragma once

#include "operate/side_by_side.h"

#include "app/config.h"

namespace adit::operate {

/// Looks at the database's folder, what is in it, the wallet's seed, and the space that is left. Changes nothing.
Findings check_files(const app::Config& config);

/// Pure. `mode`: permission bits.
Finding judge_folder(const std::filesystem::path& folder, unsigned mode);
Finding judge_space(const std::filesystem::path& folder, std::uint64_t free_bytes, std::uint64_t free_files);

} // namespace adit::operate
