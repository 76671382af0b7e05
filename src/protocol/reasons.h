// protocol/reasons.h - what each Reason is on the wire: its word, its HTTP status, and where the money is.
// spec: Refusals. Every word a client may see is in this one table.
#pragma once

#include "base/reason.h"

#include <optional>
#include <string_view>

namespace adit::protocol {

/// Where the buyer's money is after a refusal.
enum class Money {
    untouched, // this request took nothing; another try with the same token is safe
    held,      // we have it, or it is in this answer: send the same request again, never pay anew
    unknown,   // the mint or our disk did not say; send the same request again, never pay anew
};

struct ReasonInfo {
    std::string_view word; // "bad-request"; inside reasons share a word that tells a stranger nothing
    int http_status;       // 400..503, never 500
    Money money;
    std::string_view message; // one sentence for people: what to do
};

/// Total: every Reason has a row.
ReasonInfo reason_info(Reason reason);

/// The first reason with that word, the words of the reference included; none for those we do not know.
std::optional<Reason> parse_reason(std::string_view word);

} // namespace adit::protocol
