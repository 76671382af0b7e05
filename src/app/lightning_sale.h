// app/lightning_sale.h - what a wallet asks for: the offer, the invoice, and whether it was paid. Nothing here moves
// money; what becomes of an invoice is in settlements.h. spec: Purchase with Lightning
#pragma once

#include "app/invoice_limits.h"
#include "app/lightning_node.h"
#include "app/metrics.h"
#include "app/shop.h"
#include "app/tunnels.h"
#include "http/message.h"
#include "protocol/lnurl.h"

namespace adit::app {

class LightningSale {
public:
    struct Parts {
        const Shop& shop;
        store::Store& store;
        LightningNode& node;
        Tunnels& tunnels;
        InvoiceLimits& limits;
        const Clock& clock;
        Rng& rng;
        /// Told of an invoice that may be paid from now on.
        std::function<void(payments::PurchaseId, const store::Invoice&)> opened;
        /// Somebody asks whether this one was paid.
        std::function<void(payments::PurchaseId)> asked_for;
        Metrics& metrics;
    };
    /// What is referred to must outlive it.
    explicit LightningSale(Parts parts);

    // Blocking: from a worker. Every answer has status 200, errors too: wallets stop at other codes. LUD-06
    http::Response offer(const http::Request& request) const;
    http::Response invoice(const http::Request& request);
    http::Response verify(const http::Request& request);

private:
    struct Wish; // what the request says is bought, and for whom
    struct Made; // an invoice that is on disk

    Result<void> shop_is_open() const;
    Result<const protocol::Tier*> tier_by_index(std::string_view text) const;
    Result<Wish> read_wish(const http::Request& request) const;
    Result<protocol::PayRequest> make_offer(const http::Request& request) const;
    Result<protocol::PayAnswer> sell(const http::Request& request);
    Result<Made> make_invoice(const Wish& wish, const store::NewPurchase& purchase, payments::PurchaseId id,
                              const store::Lease& lease);
    Result<std::string> success_text(const std::string& config) const;

    const Parts parts_;
    const std::string callback_; // https://<public_host>/lnurlp/callback
};

} // namespace adit::app
