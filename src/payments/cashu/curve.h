// payments/cashu/curve.h - the blind signature scheme of NUT-00 on libsecp256k1.
#pragma once

#include "base/rng.h"
#include "payments/cashu/proof.h"
#include "protocol/keys.h"

namespace adit::payments::cashu {

/// NUT-00. A proof's secret is hashed as the bytes of its text, even where that text is hex.
Point hash_to_curve(ByteView message);
/// Y of a proof: what checkstate asks about, and what identifies a proof in the journal. NUT-07
Point proof_y(std::string_view secret);

Scalar random_scalar(Rng& rng);
/// 32 bytes, big-endian, in [1, n-1]. Errors: bad_encoding.
Result<Scalar> scalar_from_bytes(ByteView bytes);
/// 64 hex digits. Errors: bad_encoding, without repeating the text.
Result<Scalar> parse_scalar(std::string_view hex);

/// scalar·G. Errors: bad_encoding (the scalar is not in [1, n-1]), as in all below.
Result<Point> public_point(const Scalar& scalar);
/// scalar·point
Result<Point> multiply(const Point& point, const Scalar& scalar);
/// Errors: bad_encoding (the sum is the point at infinity).
Result<Point> add(const Point& a, const Point& b);
Result<Point> subtract(const Point& a, const Point& b);

/// B_ = hash_to_curve(secret) + r·G
Result<Point> blind(std::string_view secret, const Scalar& r);
/// C = C_ - r·K, with K the mint's key of that amount in that keyset.
Result<Point> unblind(const Point& c_blind, const Scalar& r, const Point& key);

/// The mint's test of a proof: k·hash_to_curve(secret) == C.
bool is_signed_with(const Scalar& k, std::string_view secret, const Point& c);

/// 02 || x: how a Nostr key stands in a P2PK lock. NUT-11
Point even_point(const protocol::PublicKey& key);
/// The x of a point: signatures are checked against it, whatever the parity. NUT-11
protocol::PublicKey x_only(const Point& point);

} // namespace adit::payments::cashu
