#include "session/state.h"

namespace adit::session {

namespace {

constexpr Step kSteps[]{
    {State::received, Fact::refused, State::released}, // nothing was asked of anybody yet
    {State::received, Fact::address_held, State::reserved},
    {State::reserved, Fact::refused, State::released},
    // Cashu
    {State::reserved, Fact::intent_stored, State::swapping}, // from here only forward
    {State::swapping, Fact::mint_refused, State::released},  // a definite no; silence is not one
    {State::swapping, Fact::mint_signed, State::redeemed},
    // Lightning
    {State::reserved, Fact::invoice_stored, State::open}, // only then does anybody see the invoice
    {State::open, Fact::payment_ended, State::released},
    {State::open, Fact::payment_settled, State::redeemed},
    {State::released, Fact::payment_settled, State::redeemed}, // the backend has changed its mind: late, but paid
    // Lightning, held
    {State::open, Fact::payment_held, State::accepted},
    {State::accepted, Fact::payment_ended, State::released},
    {State::accepted, Fact::payment_settled, State::redeemed}, // by the operator's own hand
    {State::accepted, Fact::peer_put, State::live},
    {State::live, Fact::settle_intended, State::settling},
    {State::live, Fact::payment_ended, State::released}, // unpaid: the peer goes first
    {State::live, Fact::payment_settled, State::active},
    {State::settling, Fact::payment_ended, State::released},
    {State::settling, Fact::payment_settled, State::active},
    // paid
    {State::redeemed, Fact::peer_put, State::active},
    {State::redeemed, Fact::undeliverable, State::refunding}, // outputs stored, peer confirmed gone
    {State::redeemed, Fact::claim_lapsed, State::ended},      // nobody came for it in 30 days
    {State::redeemed, Fact::settled_by_hand, State::ended},
    {State::refunding, Fact::mint_signed, State::refunded},
    {State::active, Fact::ran_out, State::ended},
    {State::active, Fact::closed_early, State::ended},
};

} // namespace

std::span<const Step> steps() { return kSteps; }

Result<State> step(State from, Fact on)
{
    for (const Step& s : kSteps)
        if (s.from == from && s.on == on) return s.to;
    return Error{Reason::bad_step, std::string(fact_word(on)) + " does not happen to a purchase that is " +
                                       std::string(state_word(from))};
}

bool is_final(State state)
{
    for (const Step& s : kSteps)
        if (s.from == state) return false;
    return true;
}

std::string_view state_word(State state)
{
    switch (state) {
    case State::received:
        return "received";
    case State::reserved:
        return "reserved";
    case State::swapping:
        return "swapping";
    case State::open:
        return "open";
    case State::accepted:
        return "accepted";
    case State::live:
        return "live";
    case State::settling:
        return "settling";
    case State::redeemed:
        return "redeemed";
    case State::active:
        return "active";
    case State::ended:
        return "ended";
    case State::refunding:
        return "refunding";
    case State::refunded:
        return "refunded";
    case State::released:
        return "released";
    }
    return "";
}

std::optional<State> parse_state(std::string_view word)
{
    for (const State state : kAllStates)
        if (state_word(state) == word) return state;
    return std::nullopt;
}

std::string_view fact_word(Fact fact)
{
    switch (fact) {
    case Fact::refused:
        return "refused";
    case Fact::address_held:
        return "address_held";
    case Fact::intent_stored:
        return "intent_stored";
    case Fact::mint_refused:
        return "mint_refused";
    case Fact::mint_signed:
        return "mint_signed";
    case Fact::peer_put:
        return "peer_put";
    case Fact::undeliverable:
        return "undeliverable";
    case Fact::ran_out:
        return "ran_out";
    case Fact::closed_early:
        return "closed_early";
    case Fact::claim_lapsed:
        return "claim_lapsed";
    case Fact::invoice_stored:
        return "invoice_stored";
    case Fact::payment_held:
        return "payment_held";
    case Fact::payment_settled:
        return "payment_settled";
    case Fact::payment_ended:
        return "payment_ended";
    case Fact::settle_intended:
        return "settle_intended";
    case Fact::settled_by_hand:
        return "settled_by_hand";
    }
    return "";
}

std::string_view method_word(Method method)
{
    switch (method) {
    case Method::cashu:
        return "cashu";
    case Method::lightning:
        return "lightning";
    case Method::given:
        return "given";
    }
    return "";
}

std::optional<Method> parse_method(std::string_view word)
{
    for (const Method method : {Method::cashu, Method::lightning, Method::given})
        if (method_word(method) == word) return method;
    return std::nullopt;
}

} // namespace adit::session
