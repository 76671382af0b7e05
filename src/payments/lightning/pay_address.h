// payments/lightning/pay_address.h - an invoice from a Lightning address or an LNURL, and what must be true of it
// before anybody pays. LUD-06, LUD-16
#pragma once

#include "payments/http_client.h"
#include "payments/lightning/bolt11.h"

#include <string>
#include <string_view>

namespace adit::payments::lightning {

/// "user@example.com", or an LNURL as protocol::parse_lnurl takes it: the URL of its offer. http only to loopback and
/// onions. Errors: bad_request (what it should look like).
Result<std::string> pay_address_url(std::string_view address);

/// Blocking: asks for the offer, then for an invoice over `amount`, and checks it: exactly that amount, committed to
/// the offer's metadata, not expired, and of the main network unless the address is of this machine. Errors:
/// bad_request (the address), policy (the other side's words, made printable, or what is wrong with its answer),
/// lightning_unreachable (no answer).
Result<std::string> ask_pay_address(HttpClient& http, std::string_view address, Sat amount, UnixSeconds now);

} // namespace adit::payments::lightning
