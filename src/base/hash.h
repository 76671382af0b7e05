// base/hash.h - the digests the protocols name, from libsodium and OpenSSL.
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

namespace adit {

using Sha256 = ByteArray<32>;

Sha256 sha256(ByteView bytes);
Sha256 hmac_sha256(ByteView key, ByteView message);
ByteArray<64> hmac_sha512(ByteView key, ByteView message);
/// RFC 8018 with HMAC-SHA512, as BIP-39 uses it.
SecretBytes<64> pbkdf2_hmac_sha512(std::string_view password, std::string_view salt, int rounds);

} // namespace adit
