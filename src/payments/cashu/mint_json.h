// payments/cashu/mint_json.h - what is said to a mint and what it says back, both sides of it. NUT-03, 04, 06, 07, 09.
#pragma once

#include "base/time.h"
#include "payments/cashu/proof.h"

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace adit::payments::cashu {

// ---- requests. A body is kept and sent again byte for byte: a mint with NUT-19 answers it from its cache.

/// Proofs without their DLEQ: its r would let the mint link them.
std::string encode_swap(std::span<const Proof> inputs, std::span<const BlindedMessage> outputs);
std::string encode_restore(std::span<const BlindedMessage> outputs);
std::string encode_check_state(std::span<const Point> ys);
/// `pubkey` locks the quote to a key (NUT-20).
std::string encode_mint_quote(Sat amount, std::string_view unit, const std::optional<Point>& pubkey = {},
                              std::string_view description = {});
std::string encode_mint(std::string_view quote, std::span<const BlindedMessage> outputs,
                        const std::optional<ByteArray<64>>& signature = {});
/// NUT-05. `invoice` names an amount.
std::string encode_melt_quote(std::string_view invoice, std::string_view unit);
/// `blanks` are for what is paid too much; without any the member is left out. NUT-08
std::string encode_melt(std::string_view quote, std::span<const Proof> inputs, std::span<const BlindedMessage> blanks);

// ---- answers. Errors of all: mint_unreachable (it is not what the NUT says, so nothing is known).

/// Of swap and mint: in the order of the outputs. Whether they fit the outputs is for the caller (see matches()).
Result<std::vector<BlindSignature>> parse_signatures(std::string_view json);
/// Whether `signature` is for this output: id and amount are equal.
bool matches(const BlindedMessage& output, const BlindSignature& signature);

/// What the mint remembers having signed: equally many of both, paired. NUT-09
struct Restored {
    std::vector<BlindedMessage> outputs;
    std::vector<BlindSignature> signatures;
    /// The signature for this B_, or nullptr.
    const BlindSignature* find(const Point& b) const;
};
Result<Restored> parse_restored(std::string_view json);

enum class ProofState { unspent, pending, spent };
struct ProofStatus {
    Point y;
    ProofState state;
};
Result<std::vector<ProofStatus>> parse_proof_states(std::string_view json);

enum class QuoteState { unpaid, paid, issued };
struct MintQuote {
    std::string id;
    std::string request; // the invoice
    std::optional<Sat> amount;
    std::optional<std::string> unit;
    QuoteState state = QuoteState::unpaid;
    std::optional<UnixSeconds> expiry;
    std::optional<Point> pubkey;
};
Result<MintQuote> parse_mint_quote(std::string_view json);

enum class MeltState { unpaid, pending, paid };
/// Of the quote, of its state, and of the payment itself: all three look alike. NUT-05
struct MeltQuote {
    std::string id;
    Sat amount;
    Sat fee_reserve;
    MeltState state = MeltState::unpaid;
    std::optional<std::string> request;
    std::optional<std::string> unit;
    std::optional<UnixSeconds> expiry;
    std::optional<std::string> preimage;               // hex, as the mint says it; none where empty
    std::optional<std::vector<BlindSignature>> change; // none: the mint does not say. NUT-08
};
Result<MeltQuote> parse_melt_quote(std::string_view json);

struct MintInfo {
    std::string name;
    std::string version;
    std::set<int> nuts; // those that it says it supports
    bool supports(int nut) const { return nuts.contains(nut); }
};
Result<MintInfo> parse_info(std::string_view json);

/// A mint's own, well-formed no. The code is a hint: numbers moved between editions.
struct Refusal {
    std::int64_t code = 0;
    std::string detail;
};
/// None: this answer is not a definite no. One is status 400 to 499 (429 and 408 aside) with a JSON object that has an
/// integer `code` and a text `detail` or `error`.
std::optional<Refusal> parse_refusal(int status, std::string_view body);

// ---- the mint's side, for test mints and for reading a stored body back. Errors of all: bad_encoding.

struct SwapRequest {
    std::vector<Proof> inputs;
    std::vector<BlindedMessage> outputs;
};
Result<SwapRequest> parse_swap(std::string_view json);
Result<std::vector<BlindedMessage>> parse_restore(std::string_view json);
Result<std::vector<Point>> parse_check_state(std::string_view json);
struct MintRequest {
    std::string quote;
    std::vector<BlindedMessage> outputs;
    std::optional<ByteArray<64>> signature;
};
Result<MintRequest> parse_mint(std::string_view json);
struct MeltRequest {
    std::string quote;
    std::vector<Proof> inputs;
    std::vector<BlindedMessage> blanks;
};
Result<MeltRequest> parse_melt(std::string_view json);
std::string encode_signatures(std::span<const BlindSignature> signatures);
std::string encode_restored(const Restored& restored);
std::string encode_proof_states(std::span<const ProofStatus> states);
std::string encode_refusal(const Refusal& refusal);

// ---- proofs by themselves, as the NIP-60 wallet and the store keep them. DLEQ is kept here.

std::string encode_proofs(std::span<const Proof> proofs);
/// A JSON array of proofs. Errors: bad_encoding.
Result<std::vector<Proof>> parse_proofs(std::string_view json);

} // namespace adit::payments::cashu
