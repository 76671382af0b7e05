// protocol/bech32.h - bech32 and bech32m without the length limit of 90. BIP-173, BIP-350.
#pragma once

#include "base/bytes.h"

namespace adit::protocol {

enum class Bech32Form {
    bech32,  // npub, lnurl, bolt11
    bech32m, // creqB
};

inline constexpr std::size_t kMaxBech32Characters = 5000; // NIP-19's advice

struct Bech32 {
    Bech32Form form;
    std::string prefix; // the human-readable part, lowercase
    Bytes words;        // five bits each, the checksum taken off
};

/// All lowercase or all uppercase; at most `max_characters`. Errors: bad_encoding; the text is not repeated.
Result<Bech32> parse_bech32(std::string_view text, std::size_t max_characters = kMaxBech32Characters);
/// Lowercase. The prefix must be 1 to 83 printable ASCII characters without uppercase, the words below 32.
std::string encode_bech32(Bech32Form form, std::string_view prefix, ByteView words);

/// Eight bits to five, the last word filled with zero bits.
Bytes to_words(ByteView bytes);
/// Five bits to eight. Errors: bad_encoding (a whole word of padding, or padding that is not zero).
Result<Bytes> from_words(ByteView words);

} // namespace adit::protocol
