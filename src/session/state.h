// session/state.h - the whole life of a purchase, as one table. spec: Journal
#pragma once

#include "base/result.h"

#include <optional>
#include <span>
#include <string_view>

namespace adit::session {

enum class State { received, reserved, swapping, redeemed, active, ended, refunding, refunded, released };

/// What happened to a purchase.
enum class Fact {
    refused,       // by us, before anything was asked of the mint
    address_held,  // Ys, row and (where needed) address are ours alone
    intent_stored, // the swap's exact bytes are on disk
    mint_refused,  // a definite no; silence is not one
    mint_signed,   // every output signed and verified
    peer_put,      // on the device
    undeliverable, // the refund's outputs are stored, the peer is confirmed gone
    ran_out,       // time or data
    claim_lapsed,  // redeemed, and nobody came for it in 30 days
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

inline constexpr State kAllStates[]{State::received, State::reserved,  State::swapping, State::redeemed, State::active,
                                    State::ended,    State::refunding, State::refunded, State::released};
inline constexpr Fact kAllFacts[]{Fact::refused,       Fact::address_held, Fact::intent_stored,
                                  Fact::mint_refused,  Fact::mint_signed,  Fact::peer_put,
                                  Fact::undeliverable, Fact::ran_out,      Fact::claim_lapsed};

} // namespace adit::session
