#include "payments/lightning/backend.h"

#include "base/hash.h"

#include <cstdlib>

namespace adit::payments::lightning {
namespace {

constexpr Seconds kExpirySlack{60}; // clocks differ, and making it took time

Error misfit(std::string what)
{
    return Error{Reason::lightning_refused, "the invoice of the backend: " + std::move(what)};
}

} // namespace

Result<UnixSeconds> check_made(const MadeInvoice& made, const InvoiceRequest& request, Network network, UnixSeconds now)
{
    const auto invoice = parse_bolt11(made.bolt11);
    if (!invoice) return misfit("can not be read: " + invoice.error().detail);
    if (invoice->network != network)
        return misfit("is on " + std::string(network_word(invoice->network)) + ", not on " +
                      std::string(network_word(network)));
    const auto amount = to_msat(request.amount);
    if (!amount || invoice->amount != amount) return misfit("is for another amount than asked for");
    if (invoice->description_hash != request.description_hash) return misfit("has another description hash");
    const Seconds late = invoice->expires_at() - (now + request.expiry);
    if (late < -kExpirySlack || late > kExpirySlack)
        return misfit("expires " + std::to_string(std::abs(late.count())) + " s " +
                      (late > Seconds(0) ? "later" : "earlier") +
                      " than asked for: is the node's clock right, and ours?");
    if (invoice->payment_hash != made.payment_hash) return misfit("has another payment hash than the backend says");
    if (made.payment_hash != sha256(made.preimage.expose()))
        return misfit("is not paid with the preimage given for it");
    return invoice->expires_at();
}

} // namespace adit::payments::lightning
