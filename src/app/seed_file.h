// app/seed_file.h - the wallet's seed: BIP-39 words in a file of their own, from the first start on.
#pragma once

#include "base/result.h"
#include "base/rng.h"
#include "payments/cashu/bip39.h"

#include <filesystem>

namespace adit::app {

/// Makes 12 new words where there is no file, with mode 0600. An existing file is never written.
/// Errors: io; bad_config (no valid words in it, or its mode lets others read it).
Result<payments::cashu::Seed> read_or_make_seed(const std::filesystem::path& path, Rng& rng);

} // namespace adit::app
