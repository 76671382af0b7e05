#include "payments/cashu/curve.h"

#include "base/hash.h"
#include "payments/cashu/secp_point.h"
#include "protocol/secp.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace adit::payments::cashu {
namespace {

using protocol::secp;

std::optional<secp256k1_pubkey> load_bytes(ByteView bytes)
{
    secp256k1_pubkey pubkey;
    if (bytes.size() != 33 || secp256k1_ec_pubkey_parse(secp(), &pubkey, bytes.data(), bytes.size()) != 1)
        return std::nullopt;
    return pubkey;
}

Error out_of_range() { return Error{Reason::bad_encoding, "scalar out of range"}; }

Result<Point> finite(const std::optional<secp256k1_pubkey>& point)
{
    if (!point) return Error{Reason::bad_encoding, "sum of points is infinity"};
    return SecpPoint::save(*point);
}

Result<Point> in_range(const std::optional<secp256k1_pubkey>& product)
{
    if (!product) return out_of_range();
    return SecpPoint::save(*product);
}

secp256k1_pubkey hash(ByteView message)
{
    Bytes domain;
    append(domain, as_bytes("Secp256k1_HashToCurve_Cashu_"));
    append(domain, message);
    const Sha256 message_hash = sha256(domain);

    Bytes preimage(message_hash.begin(), message_hash.end());
    preimage.resize(36);
    for (std::uint32_t counter = 0; counter < 65536; ++counter) {
        for (unsigned i = 0; i < 4; ++i) // little-endian, unlike all else
            preimage[32 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
        const Sha256 x = sha256(preimage);
        ByteArray<33> candidate;
        candidate[0] = 2;
        std::copy(x.begin(), x.end(), candidate.begin() + 1);
        if (const auto pubkey = load_bytes(candidate)) return *pubkey;
    }
    CHECK(false && "no point in 2^16 tries, which has a chance of one in 2^65536");
    std::abort();
}

} // namespace

Result<Point> Point::from_bytes(ByteView bytes)
{
    if (!load_bytes(bytes)) return Error{Reason::bad_encoding, "not a compressed point"};
    ByteArray<33> copy;
    std::copy(bytes.begin(), bytes.end(), copy.begin());
    return Point(copy);
}

Result<Point> Point::parse_hex(std::string_view hex)
{
    if (hex.size() != 66) return Error{Reason::bad_encoding, "a point has 66 hex digits"};
    return from_bytes(TRY(adit::parse_hex(hex)));
}

secp256k1_pubkey SecpPoint::load(const Point& point)
{
    const auto pubkey = load_bytes(point.bytes());
    CHECK(pubkey.has_value()); // the invariant of Point
    return *pubkey;
}

Point SecpPoint::save(const secp256k1_pubkey& pubkey)
{
    ByteArray<33> bytes;
    std::size_t length = bytes.size();
    CHECK(secp256k1_ec_pubkey_serialize(secp(), bytes.data(), &length, &pubkey, SECP256K1_EC_COMPRESSED) == 1);
    return Point(bytes);
}

ByteArray<65> SecpPoint::uncompressed(const secp256k1_pubkey& pubkey)
{
    ByteArray<65> bytes;
    std::size_t length = bytes.size();
    CHECK(secp256k1_ec_pubkey_serialize(secp(), bytes.data(), &length, &pubkey, SECP256K1_EC_UNCOMPRESSED) == 1);
    return bytes;
}

secp256k1_pubkey SecpPoint::of_secret(std::string_view secret) { return hash(as_bytes(secret)); }

std::optional<secp256k1_pubkey> SecpPoint::times_g(const std::uint8_t* scalar)
{
    secp256k1_pubkey product;
    if (secp256k1_ec_pubkey_create(secp(), &product, scalar) != 1) return std::nullopt;
    return product;
}

std::optional<secp256k1_pubkey> SecpPoint::times(secp256k1_pubkey point, const std::uint8_t* scalar)
{
    if (secp256k1_ec_pubkey_tweak_mul(secp(), &point, scalar) != 1) return std::nullopt;
    return point;
}

std::optional<secp256k1_pubkey> SecpPoint::sum(const secp256k1_pubkey& a, const secp256k1_pubkey& b)
{
    const secp256k1_pubkey* both[]{&a, &b};
    secp256k1_pubkey result;
    if (secp256k1_ec_pubkey_combine(secp(), &result, both, 2) != 1) return std::nullopt;
    return result;
}

std::optional<secp256k1_pubkey> SecpPoint::difference(const secp256k1_pubkey& a, secp256k1_pubkey b)
{
    CHECK(secp256k1_ec_pubkey_negate(secp(), &b) == 1);
    return sum(a, b);
}

Point hash_to_curve(ByteView message) { return SecpPoint::save(hash(message)); }

Point proof_y(std::string_view secret) { return hash_to_curve(as_bytes(secret)); }

Scalar random_scalar(Rng& rng)
{
    for (;;) {
        Scalar scalar = rng.secret<32>();
        if (secp256k1_ec_seckey_verify(secp(), scalar.expose().data()) == 1) return scalar;
    }
}

Result<Scalar> scalar_from_bytes(ByteView bytes)
{
    if (bytes.size() != 32 || secp256k1_ec_seckey_verify(secp(), bytes.data()) != 1) return out_of_range();
    return Scalar(bytes.first<32>());
}

Result<Scalar> parse_scalar(std::string_view hex)
{
    const SecretBytes<32> bytes = TRY(parse_secret_hex<32>(hex));
    return scalar_from_bytes(bytes.expose());
}

Result<Point> public_point(const Scalar& scalar) { return in_range(SecpPoint::times_g(scalar.expose().data())); }

Result<Point> multiply(const Point& point, const Scalar& scalar)
{
    return in_range(SecpPoint::times(SecpPoint::load(point), scalar.expose().data()));
}

Result<Point> add(const Point& a, const Point& b)
{
    return finite(SecpPoint::sum(SecpPoint::load(a), SecpPoint::load(b)));
}

Result<Point> subtract(const Point& a, const Point& b)
{
    return finite(SecpPoint::difference(SecpPoint::load(a), SecpPoint::load(b)));
}

Result<Point> blind(std::string_view secret, const Scalar& r)
{
    const auto blinding = SecpPoint::times_g(r.expose().data());
    if (!blinding) return out_of_range();
    return finite(SecpPoint::sum(SecpPoint::of_secret(secret), *blinding));
}

Result<Point> unblind(const Point& c_blind, const Scalar& r, const Point& key)
{
    const auto blinding = SecpPoint::times(SecpPoint::load(key), r.expose().data());
    if (!blinding) return out_of_range();
    return finite(SecpPoint::difference(SecpPoint::load(c_blind), *blinding));
}

bool is_signed_with(const Scalar& k, std::string_view secret, const Point& c)
{
    const auto expected = multiply(proof_y(secret), k);
    return expected && *expected == c;
}

Point even_point(const protocol::PublicKey& key)
{
    ByteArray<33> bytes;
    bytes[0] = 2;
    std::copy(key.bytes().begin(), key.bytes().end(), bytes.begin() + 1);
    return Point::from_bytes(bytes).value(); // the key is on the curve, so its even lift is
}

protocol::PublicKey x_only(const Point& point)
{
    return protocol::PublicKey::from_bytes(ByteView(point.bytes()).subspan(1)).value();
}

} // namespace adit::payments::cashu
