#include "payments/cashu/bip39.h"

#include "base/hash.h"
#include "payments/cashu/bip39_words.h"

#include <algorithm>
#include <vector>

namespace adit::payments::cashu {
namespace {

constexpr std::size_t kBitsPerWord = 11;

/// Entropy of n·32 bits is followed by n bits of its hash.
constexpr std::size_t checksum_bits(std::size_t entropy_bytes) { return entropy_bytes / 4; }

bool bit(ByteView bytes, std::size_t index) { return (bytes[index / 8] >> (7 - index % 8) & 1) != 0; }

void wipe(Bytes& bytes) { sodium_memzero(bytes.data(), bytes.size()); }

std::vector<std::string> words_of(std::string_view text)
{
    std::vector<std::string> words;
    bool inside = false;
    for (char c : text) {
        const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (!blank && !inside) words.emplace_back();
        inside = !blank;
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if (!blank) words.back() += c;
    }
    return words;
}

} // namespace

Result<std::string> mnemonic_from_entropy(ByteView entropy)
{
    if (entropy.size() < 16 || entropy.size() > 32 || entropy.size() % 4 != 0)
        return Error{Reason::bad_encoding, "entropy of 16, 20, 24, 28 or 32 bytes is wanted"};
    Bytes bits(entropy.begin(), entropy.end());
    bits.push_back(sha256(entropy)[0]); // at most 8 checksum bits
    const std::size_t words = (entropy.size() * 8 + checksum_bits(entropy.size())) / kBitsPerWord;

    std::string out;
    for (std::size_t word = 0; word < words; ++word) {
        std::size_t index = 0;
        for (std::size_t i = 0; i < kBitsPerWord; ++i)
            index = index << 1 | (bit(bits, word * kBitsPerWord + i) ? 1U : 0U);
        if (word > 0) out += ' ';
        out += kBip39English[index];
    }
    wipe(bits);
    return out;
}

std::string generate_mnemonic(Rng& rng)
{
    const SecretBytes<16> entropy = rng.secret<16>();
    return mnemonic_from_entropy(entropy.expose()).value();
}

Result<std::string> parse_mnemonic(std::string_view text)
{
    if (text.size() > 1024) return Error{Reason::bad_encoding, "too long for a mnemonic"};
    const std::vector<std::string> words = words_of(text);
    if (words.size() < 12 || words.size() > 24 || words.size() % 3 != 0)
        return Error{Reason::bad_encoding, "a mnemonic has 12, 15, 18, 21 or 24 words"};

    const std::size_t entropy_bytes = words.size() / 3 * 4;
    Bytes bits(entropy_bytes + 1);
    std::string joined;
    for (std::size_t word = 0; word < words.size(); ++word) {
        const auto* const found = std::lower_bound(kBip39English.begin(), kBip39English.end(), words[word]);
        if (found == kBip39English.end() || *found != words[word])
            return Error{Reason::bad_encoding, "word " + std::to_string(word + 1) + " is not in the English list"};
        const auto index = static_cast<std::size_t>(found - kBip39English.begin());
        for (std::size_t i = 0; i < kBitsPerWord; ++i) {
            const std::size_t at = word * kBitsPerWord + i;
            if ((index >> (kBitsPerWord - 1 - i) & 1) != 0)
                bits[at / 8] = static_cast<std::uint8_t>(bits[at / 8] | 1U << (7 - at % 8));
        }
        if (word > 0) joined += ' ';
        joined += words[word];
    }
    const std::uint8_t expected = sha256(ByteView(bits).first(entropy_bytes))[0];
    const unsigned unused = 8 - static_cast<unsigned>(checksum_bits(entropy_bytes));
    const bool right = bits[entropy_bytes] >> unused == expected >> unused;
    wipe(bits);
    if (!right) return Error{Reason::bad_encoding, "the checksum is wrong: a word is mistyped or out of order"};
    return joined;
}

Seed mnemonic_seed(std::string_view mnemonic, std::string_view ascii_passphrase)
{
    return pbkdf2_hmac_sha512(mnemonic, "mnemonic" + std::string(ascii_passphrase), 2048);
}

} // namespace adit::payments::cashu
