// payments/lightning/backend.h - a Lightning node as adit needs it: invoices made, looked up, and (hold) settled or
// cancelled. phoenixd.h and lnd.h implement it; nothing of them leaks above it. spec: Purchase with Lightning
#pragma once

#include "base/money.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "payments/lightning/bolt11.h"

#include <optional>
#include <string>

namespace adit::payments::lightning {

struct InvoiceRequest {
    Sat amount;                     // at least 1
    ByteArray<32> description_hash; // SHA-256 of the LNURL metadata. LUD-06
    Seconds expiry;
    std::string external_id; // [a-z0-9-]{1,64}, for an operator who looks at the backend's own books
    Preimage preimage;       // fresh; a backend that chooses its own leaves it alone
};

/// As the backend gave it. check_made() must be asked before anybody sees it.
struct MadeInvoice {
    std::string bolt11;
    PaymentHash payment_hash{};
    Preimage preimage;
};

enum class InvoiceState {
    open,
    accepted, // hold only: the payment is locked in, ours to settle or to cancel
    settled,  // the money is ours
    ended,    // unpaid, and not payable any more, by the backend's own word
};

struct InvoiceStatus {
    InvoiceState state = InvoiceState::open;
    /// Of an accepted one: blocks until its earliest HTLC times out; none where the backend does not say.
    std::optional<std::uint32_t> blocks_left = {};
};

/// Hints, from a thread of the backend: what is true, look_up() says. Must not block for long.
class Listener {
public:
    virtual ~Listener() = default;
    /// Something happened to this invoice (which may be none of ours).
    virtual void invoice_changed(const PaymentHash& hash) = 0;
    /// Connected, again or for the first time: what happened before may have been missed.
    virtual void events_may_be_missing() = 0;
    /// Everything up to this number has been told (LND's settle_index): where to go on after a restart.
    virtual void told_up_to(std::uint64_t settle_index) = 0;
};

/// Calls block, for `timeout` at most: from workers, never from the loop. Any thread may call at any time.
/// Errors of every call: lightning_unreachable (silence, a torn answer, 5xx: nothing is known about what happened over
/// there), lightning_refused (a definite no, whose detail tells the operator what to do: a wrong password or macaroon,
/// an answer that makes no sense). No detail repeats a secret.
class Backend {
public:
    virtual ~Backend() = default;

    /// "phoenixd", "lnd".
    virtual std::string_view name() const = 0;
    /// Whether payments wait as `accepted` for settle() or cancel().
    virtual bool holds() const = 0;
    /// The network that the node is on.
    virtual Result<Network> network() = 0;

    /// An invoice whose maker heard nothing was shown to nobody, so nobody can pay it.
    virtual Result<MadeInvoice> make(const InvoiceRequest& request) = 0;
    /// Errors: not_found too (this node never made it, or has forgotten it).
    virtual Result<InvoiceStatus> look_up(const PaymentHash& hash) = 0;
    /// Hold only: accepted → settled. Repeating it changes nothing.
    virtual Result<void> settle(const Preimage& preimage) = 0;
    /// open or accepted → ended, where the backend can (phoenixd can not: policy). Repeating it changes nothing.
    virtual Result<void> cancel(const PaymentHash& hash) = 0;

    /// Once: begins to tell, on a thread of its own, connecting again and again as long as it lives.
    /// `settle_index`: of the last told_up_to, 0 for none. The listener must outlive stop().
    virtual void start(Listener& listener, std::uint64_t settle_index) = 0;
    /// An invoice that was just made, for backends that tell of each one only where asked (LND's hold invoices). A
    /// bounded number is followed, the newest; the others are left to look_up().
    virtual void follow(const PaymentHash& hash) = 0;
    /// No hint comes after it. May be repeated; the destructor does it too.
    virtual void stop() = 0;
};

/// What must be true of an invoice before a buyer sees it: it is on `network`, for exactly the amount, with the
/// description hash of the request, not expiring more than a minute before or after what was asked for, and its payment
/// hash is the one named and SHA-256(preimage). Gives when it expires.
/// Errors: lightning_refused (with what does not fit).
Result<UnixSeconds> check_made(const MadeInvoice& made, const InvoiceRequest& request, Network network,
                               UnixSeconds now);

} // namespace adit::payments::lightning
