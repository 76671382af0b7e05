#include "protocol/nip44.h"

#include "base/hash.h"

#include <algorithm>
#include <bit>

namespace adit::protocol {

namespace {

constexpr std::uint8_t kVersion = 2;
constexpr std::size_t kNonceBytes = 32;
constexpr std::size_t kMacBytes = 32;
constexpr std::size_t kShortPrefix = 2;
constexpr std::size_t kExtendedPrefix = 6;
constexpr std::size_t kMinPayloadBytes = 1 + kNonceBytes + kShortPrefix + 32 + kMacBytes; // 99
constexpr std::size_t kMinPayloadCharacters = (kMinPayloadBytes + 2) / 3 * 4;             // 132
// Compared before anything is decoded: 2^20 is its own padded length.
constexpr std::size_t kMaxPayloadCharacters =
    (1 + kNonceBytes + kExtendedPrefix + kMaxNip44ExtendedPlaintext + kMacBytes + 2) / 3 * 4;

Error undecryptable(std::string_view what) { return Error{Reason::bad_encoding, "NIP-44: " + std::string(what)}; }

void chacha20(const detail::MessageKeys& keys, std::span<std::uint8_t> bytes)
{
    CHECK(crypto_stream_chacha20_ietf_xor(bytes.data(), bytes.data(), bytes.size(), keys.chacha_nonce.data(),
                                          keys.chacha_key.expose().data()) == 0);
}

/// Prefix, plaintext and zeros.
Bytes pad(std::string_view plaintext)
{
    Bytes out;
    out.reserve(kExtendedPrefix + static_cast<std::size_t>(detail::padded_length(plaintext.size())));
    if (plaintext.size() <= kMaxNip44Plaintext) {
        out.push_back(static_cast<std::uint8_t>(plaintext.size() >> 8U));
        out.push_back(static_cast<std::uint8_t>(plaintext.size()));
    } else {
        out.insert(out.end(), 2, 0);
        append_u32_be(out, static_cast<std::uint32_t>(plaintext.size()));
    }
    const std::size_t prefix = out.size();
    append(out, as_bytes(plaintext));
    out.resize(prefix + static_cast<std::size_t>(detail::padded_length(plaintext.size())));
    return out;
}

Result<std::string> unpad(ByteView padded)
{
    const auto digit = [&](std::size_t i) { return static_cast<std::uint64_t>(padded[i]); };
    std::size_t prefix = kShortPrefix;
    std::uint64_t length = digit(0) << 8U | digit(1);
    if (length == 0) {
        if (padded.size() < kExtendedPrefix) return undecryptable("wrong padding");
        prefix = kExtendedPrefix;
        length = digit(2) << 24U | digit(3) << 16U | digit(4) << 8U | digit(5);
        if (length <= kMaxNip44Plaintext) return undecryptable("wrong padding");
    }
    if (padded.size() != prefix + detail::padded_length(length)) return undecryptable("wrong padding");
    return std::string(as_text(padded.subspan(prefix, static_cast<std::size_t>(length))));
}

} // namespace

std::uint64_t detail::padded_length(std::uint64_t length)
{
    CHECK(length > 0);
    if (length <= 32) return 32;
    const std::uint64_t next_power = std::bit_ceil(length);
    const std::uint64_t chunk = next_power <= 256 ? 32 : next_power / 8;
    return chunk * ((length - 1) / chunk + 1);
}

detail::MessageKeys detail::message_keys(const ConversationKey& key, const ByteArray<32>& nonce)
{
    // HKDF-Expand of RFC 5869, three blocks for 76 bytes.
    ByteArray<96> blocks{};
    Bytes input;
    for (std::uint8_t i = 0; i < 3; ++i) {
        append(input, nonce);
        input.push_back(static_cast<std::uint8_t>(i + 1));
        Sha256 block = hmac_sha256(key.expose(), input);
        std::copy(block.begin(), block.end(), blocks.begin() + 32 * i);
        sodium_memzero(input.data(), input.size());
        input.assign(block.begin(), block.end());
        sodium_memzero(block.data(), block.size());
    }
    sodium_memzero(input.data(), input.size());

    const std::span<const std::uint8_t, 96> all(blocks);
    MessageKeys keys{.chacha_key = SecretBytes<32>(all.subspan<0, 32>()),
                     .chacha_nonce = {},
                     .hmac_key = SecretBytes<32>(all.subspan<44, 32>())};
    std::copy_n(blocks.begin() + 32, 12, keys.chacha_nonce.begin());
    sodium_memzero(blocks.data(), blocks.size());
    return keys;
}

ConversationKey conversation_key(const SecretKey& ours, const PublicKey& theirs)
{
    const SecretBytes<32> x = shared_x(ours, theirs);
    Sha256 key = hmac_sha256(as_bytes("nip44-v2"), x.expose());
    ConversationKey out{std::span<const std::uint8_t, 32>(key)};
    sodium_memzero(key.data(), key.size());
    return out;
}

std::string detail::nip44_encrypt_with(const ConversationKey& key, std::string_view plaintext,
                                       const ByteArray<32>& nonce)
{
    CHECK(!plaintext.empty() && plaintext.size() <= UINT32_MAX);
    const MessageKeys keys = message_keys(key, nonce);
    Bytes text = pad(plaintext);
    chacha20(keys, text);

    Bytes payload;
    payload.reserve(1 + nonce.size() + text.size() + kMacBytes);
    payload.push_back(kVersion);
    append(payload, nonce);
    append(payload, text);
    const Sha256 mac = hmac_sha256(keys.hmac_key.expose(), ByteView(payload).subspan(1));
    append(payload, mac);
    return encode_base64(payload);
}

Result<std::string> nip44_encrypt(const ConversationKey& key, std::string_view plaintext, Rng& rng)
{
    if (plaintext.empty() || plaintext.size() > kMaxNip44Plaintext)
        return Error{Reason::bad_encoding,
                     "NIP-44: " + std::to_string(plaintext.size()) + " bytes can not be encrypted"};
    return detail::nip44_encrypt_with(key, plaintext, rng.bytes<32>());
}

Result<std::string> nip44_decrypt(const ConversationKey& key, std::string_view payload)
{
    if (payload.empty() || payload[0] == '#') return undecryptable("unsupported version");
    if (payload.size() < kMinPayloadCharacters) return undecryptable("too short");
    if (payload.size() > kMaxPayloadCharacters) return undecryptable("too long");
    const Bytes bytes = TRY(parse_base64(payload));
    if (bytes.size() < kMinPayloadBytes) return undecryptable("too short");
    if (bytes[0] != kVersion) return undecryptable("unsupported version");

    const ByteView all = bytes;
    const ByteView mac = all.last(kMacBytes);
    const ByteView authenticated = all.subspan(1, all.size() - 1 - kMacBytes);
    ByteArray<32> nonce{};
    std::copy_n(authenticated.begin(), kNonceBytes, nonce.begin());
    const detail::MessageKeys keys = detail::message_keys(key, nonce);
    const Sha256 expected = hmac_sha256(keys.hmac_key.expose(), authenticated);
    if (sodium_memcmp(expected.data(), mac.data(), kMacBytes) != 0) return undecryptable("wrong MAC");

    const ByteView ciphertext = authenticated.subspan(kNonceBytes);
    Bytes padded(ciphertext.begin(), ciphertext.end());
    chacha20(keys, padded);
    auto text = unpad(padded);
    sodium_memzero(padded.data(), padded.size());
    return text;
}

} // namespace adit::protocol
