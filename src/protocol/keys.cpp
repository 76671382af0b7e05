#include "protocol/keys.h"

#include "protocol/secp.h"

#include <algorithm>
#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

namespace adit::protocol {

namespace {

/// A secret scalar with its point, wiped when it goes.
class Keypair {
public:
    explicit Keypair(const SecretKey& key)
    {
        CHECK(secp256k1_keypair_create(secp(), &keypair_, key.expose().data()) == 1);
    }
    ~Keypair() { sodium_memzero(&keypair_, sizeof keypair_); }
    Keypair(const Keypair&) = delete;
    Keypair& operator=(const Keypair&) = delete;

    const secp256k1_keypair* get() const { return &keypair_; }

private:
    secp256k1_keypair keypair_{};
};

/// For secp256k1_ecdh, which would hash otherwise.
int copy_x(unsigned char* output, const unsigned char* x32, const unsigned char*, void*)
{
    std::copy_n(x32, 32, output);
    return 1;
}

} // namespace

Result<PublicKey> PublicKey::from_bytes(ByteView bytes)
{
    secp256k1_xonly_pubkey parsed;
    if (bytes.size() != 32 || secp256k1_xonly_pubkey_parse(secp(), &parsed, bytes.data()) != 1)
        return Error{Reason::bad_encoding, "not a public key"};
    ByteArray<32> own{};
    std::copy(bytes.begin(), bytes.end(), own.begin());
    return PublicKey(own);
}

Result<PublicKey> PublicKey::parse_hex(std::string_view hex) { return from_bytes(TRY(parse_hex_exactly<32>(hex))); }

SecretKey SecretKey::generate(Rng& rng)
{
    for (;;) {
        auto key = from_secret(rng.secret<32>());
        if (key) return std::move(key).value(); // fails once in 2^128
    }
}

Result<SecretKey> SecretKey::from_secret(SecretBytes<32> bytes)
{
    if (secp256k1_ec_seckey_verify(secp(), bytes.expose().data()) != 1)
        return Error{Reason::bad_encoding, "not a secret key"};
    return SecretKey(std::move(bytes));
}

Result<SecretKey> SecretKey::parse_hex(std::string_view hex) { return from_secret(TRY(parse_secret_hex<32>(hex))); }

PublicKey SecretKey::public_key() const
{
    const Keypair keypair(*this);
    secp256k1_xonly_pubkey point;
    CHECK(secp256k1_keypair_xonly_pub(secp(), &point, nullptr, keypair.get()) == 1);
    ByteArray<32> bytes{};
    CHECK(secp256k1_xonly_pubkey_serialize(secp(), bytes.data(), &point) == 1);
    return PublicKey(bytes);
}

Signature sign(const SecretKey& key, const ByteArray<32>& message, Rng& rng)
{
    const Keypair keypair(key);
    const auto auxiliary = rng.bytes<32>();
    Signature signature{};
    CHECK(secp256k1_schnorrsig_sign32(secp(), signature.data(), message.data(), keypair.get(), auxiliary.data()) == 1);
    return signature;
}

bool verify(const PublicKey& key, const ByteArray<32>& message, const Signature& signature)
{
    secp256k1_xonly_pubkey point;
    CHECK(secp256k1_xonly_pubkey_parse(secp(), &point, key.bytes().data()) == 1);
    return secp256k1_schnorrsig_verify(secp(), signature.data(), message.data(), message.size(), &point) == 1;
}

SecretBytes<32> shared_x(const SecretKey& secret, const PublicKey& key)
{
    ByteArray<33> compressed{};
    compressed[0] = 2; // lift_x: the point with even y
    std::copy(key.bytes().begin(), key.bytes().end(), compressed.begin() + 1);
    secp256k1_pubkey point;
    CHECK(secp256k1_ec_pubkey_parse(secp(), &point, compressed.data(), compressed.size()) == 1);
    SecretBytes<32> x;
    CHECK(secp256k1_ecdh(secp(), x.writable().data(), &point, secret.expose().data(), copy_x, nullptr) == 1);
    return x;
}

} // namespace adit::protocol
