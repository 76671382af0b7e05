// session/state.h - the whole life of a purchase, as one table: the path of Cashu and, beside it, that of Lightning.
// spec: Journal; Journal of an invoice
#pragma once

#include "base/result.h"

#include <optional>
#include <span>
#include <string_view>

namespace adit::session {

/// How a purchase is paid for: all ways meet in `redeemed` or `active`. What is given is paid for by nobody.
enum class Method { cashu, lightning, given };

enum class State {
    received,
    reserved, // Cashu: before the mint is asked. Lightning: while the backend makes an invoice that nobody has seen
    swapping,
    open,     // the invoice is on disk, and may be paid
    accepted, // hold: the payment is locked in, and neither settled nor cancelled
    live,     // hold: the peer is on the device, and nothing was told to the backend yet
    settling, // hold: the backend may have heard the preimage
    redeemed, // the money is ours, the tunnel is not up yet
    active,
    ended,
    refunding,
    refunded,
    released,
};

/// What happened to a purchase.
enum class Fact {
    refused,         // by us, before anything was asked of the mint
    address_held,    // Ys, row and (where needed) address are ours alone
    intent_stored,   // the swap's exact bytes are on disk
    mint_refused,    // a definite no; silence is not one
    mint_signed,     // every output signed and verified
    peer_put,        // on the device
    undeliverable,   // the refund's outputs are stored, the peer is confirmed gone
    ran_out,         // time or data
    closed_early,    // by its buyer or the operator, who has what was unused booked as owed
    claim_lapsed,    // redeemed, and nobody came for it in 30 days
    invoice_stored,  // with its preimage and all that its config promises
    payment_held,    // by the backend's word: locked in, ours to settle or cancel
    payment_settled, // by the backend's word: the money is ours
    payment_ended,   // by the backend's word: unpaid, and not payable any more
    settle_intended, // on disk, before the backend hears the preimage
    settled_by_hand, // the operator has paid the buyer back outside of adit
};

struct Step {
    State from;
    Fact on;
    State to;
};
std::span<const Step> steps();

/// Errors: bad_step (that fact does not happen in that state).
Result<State> step(State from, Fact on);

/// No step leaves it.
bool is_final(State state);

/// Of the store: the enumerators' names.
std::string_view state_word(State state);
std::optional<State> parse_state(std::string_view word);
std::string_view fact_word(Fact fact);
std::string_view method_word(Method method);
std::optional<Method> parse_method(std::string_view word);

inline constexpr State kAllStates[]{State::received,  State::reserved, State::swapping, State::open,   State::accepted,
                                    State::live,      State::settling, State::redeemed, State::active, State::ended,
                                    State::refunding, State::refunded, State::released};
inline constexpr Fact kAllFacts[]{
    Fact::refused,       Fact::address_held,    Fact::intent_stored,   Fact::mint_refused,
    Fact::mint_signed,   Fact::peer_put,        Fact::undeliverable,   Fact::ran_out,
    Fact::claim_lapsed,  Fact::invoice_stored,  Fact::payment_held,    Fact::payment_settled,
    Fact::payment_ended, Fact::settle_intended, Fact::settled_by_hand, Fact::closed_early};

} // namespace adit::session
