// payments/cashu/secret.h - secrets that carry a spending condition: the well-known secret of NUT-10.
#pragma once

#include "base/bytes.h"

#include <optional>
#include <string>
#include <vector>

namespace adit::payments::cashu {

using SecretTag = std::vector<std::string>; // the key first, then its values; never empty

/// The parsed view. The text it came from is what is hashed and signed: never written anew from this.
struct WellKnownSecret {
    std::string kind; // "P2PK", "HTLC", or one that we do not know
    std::string nonce;
    std::string data;
    std::vector<SecretTag> tags; // each key once

    /// The tag with this key, or nullptr.
    const SecretTag* tag(std::string_view key) const;
};

inline constexpr std::size_t kMaxSecretBytes = 16384;

/// None: a plain secret, spendable by whoever knows it. Errors: wrong_p2pk (it looks like a well-known secret but is
/// malformed: repeated keys or tags, values that are not text, an empty tag; or it is over kMaxSecretBytes).
Result<std::optional<WellKnownSecret>> parse_secret(std::string_view text);

/// The text of such a secret: JSON without blanks.
std::string encode_secret(const WellKnownSecret& secret);

} // namespace adit::payments::cashu
