// payments/cashu/bip39.h - the seed of the wallet as English words. BIP-39.
#pragma once

#include "base/rng.h"
#include "base/secret.h"

#include <string>
#include <string_view>

namespace adit::payments::cashu {

using Seed = SecretBytes<64>;

/// 12 words from 128 fresh bits, separated by single blanks. The text is as secret as the seed.
std::string generate_mnemonic(Rng& rng);
/// Entropy of 16, 20, 24, 28 or 32 bytes. Errors: bad_encoding.
Result<std::string> mnemonic_from_entropy(ByteView entropy);
/// Any blanks and case, 12 to 24 words of the English list with a right checksum; gives them lowercase with single
/// blanks. Errors: bad_encoding (says which word by its number, never the word).
Result<std::string> parse_mnemonic(std::string_view text);
/// Of words as the functions above give them.
Seed mnemonic_seed(std::string_view mnemonic, std::string_view ascii_passphrase = {});

} // namespace adit::payments::cashu
