#include "payments/cashu/dleq.h"

#include "base/hash.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/secp_point.h"
#include "protocol/secp.h"

namespace adit::payments::cashu {
namespace {

using protocol::secp;

/// s·base - e·point; none where that can not be written down, which no honest proof meets.
std::optional<Point> response(const Point& base, const ByteArray<32>& s, const Point& point, const ByteArray<32>& e)
{
    secp256k1_pubkey left = SecpPoint::load(base);
    secp256k1_pubkey right = SecpPoint::load(point);
    if (secp256k1_ec_pubkey_tweak_mul(secp(), &left, s.data()) != 1) return std::nullopt;
    if (secp256k1_ec_pubkey_tweak_mul(secp(), &right, e.data()) != 1) return std::nullopt;
    CHECK(secp256k1_ec_pubkey_negate(secp(), &right) == 1);
    const secp256k1_pubkey* both[]{&left, &right};
    secp256k1_pubkey result;
    if (secp256k1_ec_pubkey_combine(secp(), &result, both, 2) != 1) return std::nullopt;
    return SecpPoint::save(result);
}

/// s·G - e·key, by the faster way that G has.
std::optional<Point> response_to_key(const ByteArray<32>& s, const Point& key, const ByteArray<32>& e)
{
    secp256k1_pubkey result = SecpPoint::load(key);
    if (secp256k1_ec_pubkey_tweak_mul(secp(), &result, e.data()) != 1) return std::nullopt;
    CHECK(secp256k1_ec_pubkey_negate(secp(), &result) == 1);
    if (secp256k1_ec_pubkey_tweak_add(secp(), &result, s.data()) != 1) return std::nullopt;
    return SecpPoint::save(result);
}

/// The mint's own r of NUT-12: from key and points alone, so that a test mint answers twice alike.
Scalar deterministic_nonce(const Scalar& k, const Point& key, const Point& b, const Point& c_blind)
{
    Bytes message;
    append(message, as_bytes("Cashu_DLEQ_R_v1"));
    for (const Point* point : {&key, &b, &c_blind}) append(message, SecpPoint::uncompressed(*point));
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
    Bytes text;
    text.reserve(points.size() * 130);
    for (const Point& point : points) append(text, as_bytes(encode_hex(SecpPoint::uncompressed(point))));
    return sha256(text);
}

bool verify_promise_dleq(const Point& key, const Point& b, const Point& c_blind, const Dleq& dleq)
{
    const auto r1 = response_to_key(dleq.s, key, dleq.e);
    const auto r2 = response(b, dleq.s, c_blind, dleq.e);
    if (!r1 || !r2) return false;
    const Point points[]{*r1, *r2, key, c_blind};
    return hash_e(points) == dleq.e;
}

bool verify_proof_dleq(const Point& key, const Proof& proof)
{
    if (!proof.dleq || !proof.dleq->r) return false;
    const auto r = scalar_from_bytes(*proof.dleq->r);
    if (!r) return false;
    const auto b = blind(proof.secret, *r);
    const auto blinding = multiply(key, *r);
    if (!b || !blinding) return false;
    const auto c_blind = add(proof.c, *blinding);
    return c_blind && verify_promise_dleq(key, *b, *c_blind, *proof.dleq);
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
