// payments/cashu/token.h - tokens as they travel: cashuA (V3, JSON) and cashuB (V4, CBOR). NUT-00.
#pragma once

#include "payments/cashu/proof.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace adit::payments::cashu {

/// Proofs of one mint. Keyset ids may be short (keyset.h completes them). Unit "sat" where a V3 token names none.
struct Token {
    std::string mint; // as written by the sender; mint_url.h compares
    std::string unit;
    std::optional<std::string> memo;
    std::vector<Proof> proofs;
};

struct TokenLimits {
    std::size_t bytes = 262'144; // of text
    std::size_t proofs = 200;
};

/// Either version, also behind "cashu:", "cashu://", "web+cashu://"; either base64 alphabet, padded or not.
/// At least one proof, amounts above zero, no secret twice, exactly one mint, no legacy keyset ids.
/// Errors: invalid_token. The detail never repeats the token.
Result<Token> parse_token(std::string_view text, const TokenLimits& limits = {});
/// The binary form, "craw" || "B" || CBOR. Errors: invalid_token.
Result<Token> parse_raw_token(ByteView bytes, const TokenLimits& limits = {});

/// V4, grouped by keyset in order of appearance.
std::string encode_token(const Token& token);
std::string encode_token_v3(const Token& token);
Bytes encode_raw_token(const Token& token);

/// None on overflow.
std::optional<Sat> total(std::span<const Proof> proofs);
std::optional<Sat> total(std::span<const BlindedMessage> outputs);

} // namespace adit::payments::cashu
