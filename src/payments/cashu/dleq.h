// payments/cashu/dleq.h - the mint's proof that it signed with its published key. NUT-12.
#pragma once

#include "payments/cashu/proof.h"

#include <span>

namespace adit::payments::cashu {

/// SHA-256 over the lowercase hex text of the uncompressed points.
ByteArray<32> hash_e(std::span<const Point> points);

/// What a wallet checks in the mint's answer: it knows B_ and C_. `key` is the mint's key of the amount.
bool verify_promise_dleq(const Point& key, const Point& b, const Point& c_blind, const Dleq& dleq);
/// What a receiver checks in a token. False too where the proof has no DLEQ, or one without r.
bool verify_proof_dleq(const Point& key, const Proof& proof);

/// The mint's side, for test mints: signs with `k` and adds the DLEQ, the nonce made from key and points as NUT-12 has
/// it. Errors: bad_encoding (k out of range).
Result<BlindSignature> sign_blinded(const Scalar& k, const BlindedMessage& output);

} // namespace adit::payments::cashu
