// payments/cashu/p2pk.h - locks to keys: who may spend, how to sign, what a mint checks. NUT-11, and NUT-14's HTLC for
// the mint's side.
#pragma once

#include "base/time.h"
#include "payments/cashu/proof.h"
#include "payments/cashu/secret.h"
#include "protocol/keys.h"

#include <span>

namespace adit::payments::cashu {

/// What a signature covers: its own input, or all inputs and outputs of the transaction.
enum class SigFlag { inputs, all };

/// The conditions that a NUT-11 lock states. Keys by x alone, each once within its pathway.
struct P2pkLock {
    std::vector<Point> keys = {}; // `data` first, then `pubkeys`
    std::uint64_t n_sigs = 1;
    std::optional<UnixSeconds> locktime = {};
    std::vector<Point> refund_keys = {};
    std::uint64_t n_sigs_refund = 1;
    SigFlag sigflag = SigFlag::inputs;
};

/// A fresh secret with this lock. `lock.keys` must not be empty (CHECK).
std::string make_p2pk_secret(const P2pkLock& lock, Rng& rng);
/// 32 random bytes as hex: a secret without conditions.
std::string make_plain_secret(Rng& rng);

/// Errors: wrong_p2pk (another kind, or malformed).
Result<P2pkLock> parse_p2pk_lock(const WellKnownSecret& secret);

inline constexpr Seconds kLocktimeMargin{60};
/// Whether the holder of one of `our_keys` alone can spend a proof with this secret now, and goes on being the only one
/// besides co-signers for at least `margin`: kind P2PK, our x in data or pubkeys, one signature enough, no locktime
/// closer than the margin. Gives the sigflag to sign under. Errors: wrong_p2pk, with what is wrong.
Result<SigFlag> spendable_alone(std::string_view secret, std::span<const protocol::PublicKey> our_keys, UnixSeconds now,
                                Seconds margin = kLocktimeMargin);
inline Result<SigFlag> spendable_alone(std::string_view secret, const protocol::PublicKey& our_key, UnixSeconds now,
                                       Seconds margin = kLocktimeMargin)
{
    return spendable_alone(secret, std::span(&our_key, 1), now, margin);
}

/// spendable_alone for every proof of a token, each by a key of its own, and that SIG_ALL proofs can be spent together.
/// Errors: wrong_p2pk.
Result<void> all_spendable_alone(std::span<const Proof> proofs, std::span<const protocol::PublicKey> our_keys,
                                 UnixSeconds now, Seconds margin = kLocktimeMargin);
inline Result<void> all_spendable_alone(std::span<const Proof> proofs, const protocol::PublicKey& our_key,
                                        UnixSeconds now, Seconds margin = kLocktimeMargin)
{
    return all_spendable_alone(proofs, std::span(&our_key, 1), now, margin);
}

/// Sets the witnesses: for each SIG_INPUTS proof its own, and where the proofs are SIG_ALL one on the first; each by
/// the first of `keys` that its secret names, or where it names none of them by the first of all. Proofs with a plain
/// secret get none. The order of inputs and outputs must be the one that is sent. Errors: wrong_p2pk (SIG_ALL beside
/// another kind, data or tags; a secret that is malformed; or of another kind than P2PK). `keys` may not be empty.
Result<void> sign_inputs(std::span<Proof> inputs, std::span<const BlindedMessage> outputs,
                         std::span<const protocol::SecretKey> keys, Rng& rng);
inline Result<void> sign_inputs(std::span<Proof> inputs, std::span<const BlindedMessage> outputs,
                                const protocol::SecretKey& key, Rng& rng)
{
    return sign_inputs(inputs, outputs, std::span(&key, 1), rng);
}

/// The text whose SHA-256 is signed under SIG_ALL; `melt_quote` empty for a swap.
std::string sig_all_message(std::span<const Proof> inputs, std::span<const BlindedMessage> outputs,
                            std::string_view melt_quote = {});
/// {"signatures":[...]} as text, as it stands in Proof::witness.
std::string encode_witness(std::span<const protocol::Signature> signatures);

/// The mint's side: whether these inputs may be spent for these outputs now (signatures, n_sigs, locktime, refund keys,
/// preimages; mixing rules of SIG_ALL). Says nothing about C. Errors: wrong_p2pk.
Result<void> verify_spending_conditions(std::span<const Proof> inputs, std::span<const BlindedMessage> outputs,
                                        UnixSeconds now, std::string_view melt_quote = {});

} // namespace adit::payments::cashu
