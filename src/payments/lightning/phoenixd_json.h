// payments/lightning/phoenixd_json.h - what phoenixd says, read with distrust. Pure.
#pragma once

#include "payments/lightning/backend.h"

namespace adit::payments::lightning {

struct PhoenixdInvoice {
    std::string serialized; // BOLT-11
    PaymentHash payment_hash{};
};

/// Of an incoming payment, or of an invoice that waits for one.
struct PhoenixdPayment {
    PaymentHash payment_hash{};
    std::optional<Preimage> preimage = {};
    /// What says that the money is here. receivedSat does not: fees for liquidity are taken off it, and all of it may
    /// go to the fee credit of a fresh node.
    bool is_paid = false;
    bool is_expired = false;
};

/// Unknown members are ignored everywhere. Errors: lightning_refused, also where a 200 carries a `reason` for a no.
Result<PhoenixdInvoice> parse_phoenixd_invoice(std::string_view text);
Result<PhoenixdPayment> parse_phoenixd_payment(std::string_view text);
/// Of /getinfo. Errors: lightning_refused (also a chain that is not known).
Result<Network> parse_phoenixd_network(std::string_view text);
/// Of the websocket: the invoice that a payment_received tells of; none for anything else.
std::optional<PaymentHash> parse_phoenixd_event(std::string_view text);

} // namespace adit::payments::lightning
