// protocol/wireguard_key.h - Curve25519 keys as WireGuard writes them. wire: base64 in configs, hex in the UAPI.
#pragma once

#include "base/bytes.h"
#include "base/rng.h"
#include "base/secret.h"

#include <compare>

namespace adit::protocol {

class WireguardKey {
public:
    explicit WireguardKey(const ByteArray<32>& bytes) : bytes_(bytes) {}
    /// 44 characters, canonical (the two unused bits zero); refuses all zeros and points of small order.
    /// Errors: bad_encoding.
    static Result<WireguardKey> parse_base64(std::string_view text);

    const ByteArray<32>& bytes() const { return bytes_; }
    std::string base64() const { return encode_base64(bytes_); }
    std::string hex() const { return encode_hex(bytes_); }
    auto operator<=>(const WireguardKey&) const = default;

private:
    ByteArray<32> bytes_;
};

using WireguardSecret = SecretBytes<32>; // a private key, clamped, or a preshared key

WireguardSecret generate_wireguard_secret(Rng& rng);
WireguardKey wireguard_public_key(const WireguardSecret& secret);

} // namespace adit::protocol
