// protocol/keys.h - Nostr keys and BIP-340 signatures, on libsecp256k1. NIP-01.
#pragma once

#include "base/bytes.h"
#include "base/rng.h"
#include "base/secret.h"

#include <compare>

namespace adit::protocol {

using Signature = ByteArray<64>;

/// An x-only key that is known to be on the curve.
class PublicKey {
public:
    /// Errors: bad_encoding (not on the curve).
    static Result<PublicKey> from_bytes(ByteView bytes);
    /// 64 lowercase hex digits. Errors: bad_encoding.
    static Result<PublicKey> parse_hex(std::string_view hex);

    const ByteArray<32>& bytes() const { return bytes_; }
    std::string hex() const { return encode_hex(bytes_); }
    auto operator<=>(const PublicKey&) const = default;

private:
    explicit PublicKey(const ByteArray<32>& bytes) : bytes_(bytes) {}
    friend class SecretKey;
    ByteArray<32> bytes_;
};

/// A scalar in [1, n-1].
class SecretKey {
public:
    static SecretKey generate(Rng& rng);
    /// Errors: bad_encoding (zero, or not below the group order).
    static Result<SecretKey> from_secret(SecretBytes<32> bytes);
    /// 64 hex digits. Errors: bad_encoding, without repeating the text.
    static Result<SecretKey> parse_hex(std::string_view hex);

    PublicKey public_key() const;
    SecretKey duplicate() const { return SecretKey(bytes_.duplicate()); }
    std::span<const std::uint8_t, 32> expose() const { return bytes_.expose(); }

private:
    explicit SecretKey(SecretBytes<32> bytes) : bytes_(std::move(bytes)) {}
    SecretBytes<32> bytes_;
};

/// BIP-340 with fresh auxiliary randomness over a 32-byte message.
Signature sign(const SecretKey& key, const ByteArray<32>& message, Rng& rng);
bool verify(const PublicKey& key, const ByteArray<32>& message, const Signature& signature);
/// The x coordinate of secret·lift_x(public), not hashed: what NIP-44 wants.
SecretBytes<32> shared_x(const SecretKey& secret, const PublicKey& key);

} // namespace adit::protocol
