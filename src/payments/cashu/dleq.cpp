#include "payments/cashu/dleq.h"

#include "base/hash.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/secp_point.h"
#include "protocol/secp.h"

namespace adit::payments::cashu {
namespace {

using protocol::secp;

Sha256 hash_of(std::span<const secp256k1_pubkey> points)
{
    Bytes text;
    text.reserve(points.size() * 130);
    for (const secp256k1_pubkey& point : points) append(text, as_bytes(encode_hex(SecpPoint::uncompressed(point))));
    return sha256(text);
}

/// Whether e is the hash of s·G - e·K, s·B_ - e·C_, K and C_. Points that can not be written down make it false: no
/// honest proof has them.
bool verify(const secp256k1_pubkey& key, const secp256k1_pubkey& b, const secp256k1_pubkey& c_blind, const Dleq& dleq)
{
    const auto s_g = SecpPoint::times_g(dleq.s.data());
    const auto e_key = SecpPoint::times(key, dleq.e.data());
    const auto s_b = SecpPoint::times(b, dleq.s.data());
    const auto e_c = SecpPoint::times(c_blind, dleq.e.data());
    if (!s_g || !e_key || !s_b || !e_c) return false;
    const auto r1 = SecpPoint::difference(*s_g, *e_key);
    const auto r2 = SecpPoint::difference(*s_b, *e_c);
    if (!r1 || !r2) return false;
    const secp256k1_pubkey points[]{*r1, *r2, key, c_blind};
    return hash_of(points) == dleq.e;
}

/// The mint's own r of NUT-12: from key and points alone, so that a test mint answers twice alike.
Scalar deterministic_nonce(const Scalar& k, const Point& key, const Point& b, const Point& c_blind)
{
    Bytes message;
    append(message, as_bytes("Cashu_DLEQ_R_v1"));
    for (const Point* point : {&key, &b, &c_blind}) append(message, SecpPoint::uncompressed(SecpPoint::load(*point)));
    message.push_back(0);
    for (;;) {
        const Sha256 candidate = hmac_sha256(k.expose(), message);
        if (auto scalar = scalar_from_bytes(candidate)) return std::move(*scalar);
        ++message.back();
    }
}

} // namespace

ByteArray<32> hash_e(std::span<const Point> points)
{
    std::vector<secp256k1_pubkey> loaded;
    for (const Point& point : points) loaded.push_back(SecpPoint::load(point));
    return hash_of(loaded);
}

bool verify_promise_dleq(const Point& key, const Point& b, const Point& c_blind, const Dleq& dleq)
{
    return verify(SecpPoint::load(key), SecpPoint::load(b), SecpPoint::load(c_blind), dleq);
}

/// All in libsecp256k1's own form: a token may have two hundred of them, and each Point on the way costs a root.
bool verify_proof_dleq(const Point& key, const Proof& proof)
{
    if (!proof.dleq || !proof.dleq->r) return false;
    const std::uint8_t* r = proof.dleq->r->data();
    const secp256k1_pubkey mint_key = SecpPoint::load(key);
    const auto r_g = SecpPoint::times_g(r);
    const auto r_key = SecpPoint::times(mint_key, r);
    if (!r_g || !r_key) return false;
    const auto b = SecpPoint::sum(SecpPoint::of_secret(proof.secret), *r_g);
    const auto c_blind = SecpPoint::sum(SecpPoint::load(proof.c), *r_key);
    return b && c_blind && verify(mint_key, *b, *c_blind, *proof.dleq);
}

Result<BlindSignature> sign_blinded(const Scalar& k, const BlindedMessage& output)
{
    const Point key = TRY(public_point(k));
    const Point c_blind = TRY(multiply(output.b, k));
    const Scalar nonce = deterministic_nonce(k, key, output.b, c_blind);
    const Point points[]{TRY(public_point(nonce)), TRY(multiply(output.b, nonce)), key, c_blind};

    Dleq dleq;
    dleq.e = hash_e(points);
    SecretBytes<32> s = k.duplicate(); // s = nonce + e·k
    if (secp256k1_ec_seckey_tweak_mul(secp(), s.writable().data(), dleq.e.data()) != 1 ||
        secp256k1_ec_seckey_tweak_add(secp(), s.writable().data(), nonce.expose().data()) != 1)
        return Error{Reason::bad_encoding, "no DLEQ for this key and output"};
    std::copy(s.expose().begin(), s.expose().end(), dleq.s.begin());
    return BlindSignature{output.keyset, output.amount, c_blind, dleq};
}

} // namespace adit::payments::cashu
