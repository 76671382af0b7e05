// app/seed_file.h - the wallet's seed: BIP-39 words in a file of their own, from the first start on.
#pragma once

#include "base/result.h"
#include "base/rng.h"
#include "payments/cashu/bip39.h"
#include "store/store.h"

#include <filesystem>

namespace adit::app {

struct WalletSeed {
    payments::cashu::Seed seed;
    store::SeedAge age;
};

/// Makes 12 new words where there is no file, with mode 0600. An existing file is never written.
/// Errors: io; bad_config (no valid words in it, or its mode lets others read it).
Result<WalletSeed> read_or_make_seed(const std::filesystem::path& path, Rng& rng);
/// The words themselves, as they stand in the file but for blanks and case: to be wiped. Errors: as above, and io where
/// there is no file.
Result<std::string> read_seed_words(const std::filesystem::path& path);

} // namespace adit::app
