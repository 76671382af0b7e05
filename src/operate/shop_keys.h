// operate/shop_keys.h - the secrets of a shop in the files that `adit init` makes: those that are there are kept,
// whatever is said, and those that are not are made or taken from elsewhere.
#pragma once

#include "base/file.h"
#include "base/rng.h"
#include "base/secret_text.h"
#include "protocol/keys.h"
#include "protocol/wireguard_key.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace adit::operate {

/// What one file holds, or will hold.
struct KeyFile {
    std::filesystem::path path;
    std::string what; // for people
    SecretText text;  // without the end of its line
    enum class Origin { there, made, given } origin = Origin::made;
};

struct ShopKeys {
    protocol::SecretKey nostr;
    protocol::SecretKey sales;
    protocol::WireguardSecret tunnels;
    std::vector<KeyFile> files; // of these three and the wallet's words, in this order

    const KeyFile& words() const { return files.back(); }
};

/// What somebody wants to be used in place of new ones.
struct GivenKeys {
    std::optional<SecretText> nsec;  // nsec or hex
    std::optional<SecretText> words; // 12 to 24 of them
};

/// Reads what is in `folder` and makes the rest, in memory only: nothing is written.
/// Errors: bad_config (a file that others may read, that holds no such key, or another than the given one; the same
/// key twice), io. Each says which file, and what to do.
Result<ShopKeys> find_or_make_keys(const std::filesystem::path& folder, GivenKeys given, Rng& rng);

/// A secret that the operator has in a file of his own. Errors: as above.
Result<SecretText> read_given(const std::filesystem::path& path);

/// Writes those that are not there yet, mode 0600. Errors: io; what was written before stays, and counts next time.
Result<void> write_keys(const ShopKeys& keys, std::optional<FileOwner> owner);

} // namespace adit::operate
