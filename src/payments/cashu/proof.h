// payments/cashu/proof.h - the plain types of NUT-00: proofs, blinded messages, blind signatures.
#pragma once

#include "base/bytes.h"
#include "base/money.h"
#include "base/secret.h"

#include <compare>
#include <optional>
#include <string>
#include <vector>

namespace adit::payments::cashu {

/// A compressed point known to be on the curve (ser33).
class Point {
public:
    /// 33 bytes, 02 or 03 first. Errors: bad_encoding.
    static Result<Point> from_bytes(ByteView bytes);
    /// 66 hex digits. Errors: bad_encoding.
    static Result<Point> parse_hex(std::string_view hex);

    const ByteArray<33>& bytes() const { return bytes_; }
    std::string hex() const { return encode_hex(bytes_); }
    auto operator<=>(const Point&) const = default;

private:
    friend struct SecpPoint;
    explicit Point(const ByteArray<33>& bytes) : bytes_(bytes) {}
    ByteArray<33> bytes_;
};

/// A scalar in [1, n-1]: a blinding factor, or a private key of P2PK.
using Scalar = SecretBytes<32>;

/// "00" + 14 hex digits or "01" + 64. A token may carry the first 16 digits of the latter; keysets.h completes it.
using KeysetId = std::string;

/// The receiver's proof that the mint signed with its published key. r is there in tokens, absent in promises. NUT-12
struct Dleq {
    ByteArray<32> e{};
    ByteArray<32> s{};
    std::optional<ByteArray<32>> r;
};

struct Proof {
    KeysetId keyset;
    Sat amount;         // in the token's unit, which must have been checked to be sat
    std::string secret; // the exact bytes: they are what is hashed and signed
    Point c;
    std::optional<std::string> witness;
    std::optional<Dleq> dleq;
};

struct BlindedMessage {
    KeysetId keyset;
    Sat amount;
    Point b;
};

struct BlindSignature {
    KeysetId keyset;
    Sat amount;
    Point c;
    std::optional<Dleq> dleq;
};

} // namespace adit::payments::cashu
