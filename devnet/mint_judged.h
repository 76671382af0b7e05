// devnet/mint_judged.h - a value, or the NUT error to answer instead. Works with TRY as Result does.
#pragma once

#include "base/result.h"
#include "devnet/either.h"
#include "payments/cashu/mint_json.h"

namespace adit::devnet {

using payments::cashu::Refusal;

/// The codes of NUT-00's table that this mint answers with.
enum class NutCode {
    malformed = 10000, // not of the table: what the mints in use say to a request that is no request
    not_verified = 10001,
    already_spent = 11001,
    inputs_pending = 11002,
    already_signed = 11003,
    outputs_pending = 11004,
    not_balanced = 11005,
    amount_outside_limits = 11006,
    duplicate_inputs = 11007,
    duplicate_outputs = 11008,
    several_units = 11009,
    units_differ = 11010,
    amountless_invoice = 11011,
    amount_not_of_invoice = 11012,
    unit_unsupported = 11013,
    too_many_inputs = 11014,
    too_many_outputs = 11015,
    keyset_unknown = 12001,
    keyset_inactive = 12002,
    keyset_expired = 12003,
    quote_not_paid = 20001,
    quote_already_issued = 20002,
    minting_disabled = 20003,
    payment_failed = 20004,
    quote_pending = 20005,
    invoice_already_paid = 20006,
    quote_expired = 20007,
    bad_quote_signature = 20008,
};

inline Refusal refusal(NutCode code, std::string detail)
{
    return {static_cast<std::int64_t>(code), std::move(detail)};
}
inline Refusal malformed(std::string detail) { return refusal(NutCode::malformed, std::move(detail)); }

template<typename T>
using Judged = Either<T, Refusal>;

} // namespace adit::devnet
