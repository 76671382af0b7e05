// protocol/nip44.h - encryption between two Nostr keys, version 2. NIP-44.
#pragma once

#include "protocol/keys.h"

namespace adit::protocol {

using ConversationKey = SecretBytes<32>;

inline constexpr std::size_t kMaxNip44Plaintext = 65535;             // bytes; longer ones most peers can not read
inline constexpr std::size_t kMaxNip44ExtendedPlaintext = 1U << 20U; // bytes; what we read of the extended form

/// The same from both ends. Encrypting to oneself takes one's own public key.
ConversationKey conversation_key(const SecretKey& ours, const PublicKey& theirs);

/// Base64. Errors: bad_encoding (not 1 to 65535 bytes).
Result<std::string> nip44_encrypt(const ConversationKey& key, std::string_view plaintext, Rng& rng);
/// The outer event's signature is to be checked before. Size, version and MAC (in constant time) are checked before
/// anything is decrypted. Errors: bad_encoding, with neither key nor text.
Result<std::string> nip44_decrypt(const ConversationKey& key, std::string_view payload);

namespace detail {

/// For the vectors, which name the nonce. Any length from 1 to 2^32-1; from 65536 on with the extended prefix.
std::string nip44_encrypt_with(const ConversationKey& key, std::string_view plaintext, const ByteArray<32>& nonce);

struct MessageKeys {
    SecretBytes<32> chacha_key;
    ByteArray<12> chacha_nonce;
    SecretBytes<32> hmac_key;
};
MessageKeys message_keys(const ConversationKey& key, const ByteArray<32>& nonce);

/// For a length of at least 1; without the prefix.
std::uint64_t padded_length(std::uint64_t length);

} // namespace detail

} // namespace adit::protocol
