#include "base/hash.h"

#include <openssl/evp.h>
#include <sodium.h>

namespace adit {

Sha256 sha256(ByteView bytes)
{
    Sha256 out{};
    crypto_hash_sha256(out.data(), bytes.data(), bytes.size());
    return out;
}

Sha256 hmac_sha256(ByteView key, ByteView message)
{
    Sha256 out{};
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key.data(), key.size());
    crypto_auth_hmacsha256_update(&state, message.data(), message.size());
    crypto_auth_hmacsha256_final(&state, out.data());
    sodium_memzero(&state, sizeof state);
    return out;
}

ByteArray<64> hmac_sha512(ByteView key, ByteView message)
{
    ByteArray<64> out{};
    crypto_auth_hmacsha512_state state;
    crypto_auth_hmacsha512_init(&state, key.data(), key.size());
    crypto_auth_hmacsha512_update(&state, message.data(), message.size());
    crypto_auth_hmacsha512_final(&state, out.data());
    sodium_memzero(&state, sizeof state);
    return out;
}

SecretBytes<64> pbkdf2_hmac_sha512(std::string_view password, std::string_view salt, int rounds)
{
    SecretBytes<64> out;
    CHECK(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                            reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()), rounds,
                            EVP_sha512(), 64, out.writable().data()) == 1);
    return out;
}

} // namespace adit
