// app/purchase.h - the path of a purchase, from the request to the tunnel. Read purchase.cpp from top to bottom.
// spec: Purchase with Cashu
#pragma once

#include "app/in_flight.h"
#include "app/metrics.h"
#include "app/shop.h"
#include "app/swap_limits.h"
#include "app/tunnels.h"
#include "base/workers.h"
#include "http/message.h"
#include "payments/till.h"
#include "protocol/purchase_auth.h"
#include "protocol/purchase_body.h"

namespace adit::app {

/// What a buyer gets who is not refused.
using Fulfilment = std::variant<protocol::Delivered, protocol::Refunded>;

/// The key that change and refunds are locked to: the one the buyer named, else the one that signed the purchase, which
/// every purchase with Cashu has.
const protocol::PublicKey& beneficiary(const store::Purchase& purchase);

class Purchases {
public:
    struct Parts {
        const Shop& shop;
        store::Store& store;
        payments::Till& till;
        Tunnels& tunnels;
        InFlight& in_flight;
        SwapLimits& limits;
        const Clock& clock;
        /// Told of a purchase whose swap did not get an answer: the background goes on with it.
        std::function<void(payments::PurchaseId)> leave_to_recovery;
        Metrics& metrics;
    };
    /// What is referred to must outlive it.
    explicit Purchases(Parts parts);

    /// Called after each sale, before its answer: there are new proofs to be told to relays.
    void on_sold(std::function<void()> sold) { sold_ = std::move(sold); }

    /// Called for each purchase that was just put up, on the way to its answer: must not block.
    void on_delivered(std::function<void(const store::Purchase&)> delivered) { delivered_ = std::move(delivered); }

    /// Blocking: from a worker. Answers, or (where the same proofs are being worked on) waits without a thread and then
    /// calls `again`, once. Nothing without an answer.
    std::optional<http::Response> serve(const http::Request& request, const InFlight::Again& again);

private:
    struct Reading; // the request, as far as it can be read
    struct Refusal; // why not, and what else the answer says

    Reading read(const http::Request& request) const;
    http::Response run(const http::Request& request, const Reading& reading);
    Result<std::optional<store::Purchase>> known(const Reading& reading);

    Result<Fulfilment> sell(const http::Request& request, const Reading& reading, Refusal& refusal);
    Result<void> shop_is_open() const;
    Result<protocol::PurchaseAuth> judge_auth(const Reading& reading) const;
    Result<protocol::PurchaseBody> judge_body(const Reading& reading) const;
    Result<payments::Tender> judge_token(const Reading& reading, const protocol::Tier& tier, Refusal& refusal) const;
    Result<session::Order> judge_order(const protocol::Tier& tier, const payments::Tender& tender,
                                       const protocol::WireguardKey& key, Refusal& refusal) const;
    Result<payments::PurchaseId> take_payment(const store::NewPurchase& purchase, const payments::Tender& tender,
                                              const std::string& source);
    Result<store::Store::Reserved> reserve(const store::NewPurchase& purchase);
    Result<payments::Receipt> redeem(payments::PurchaseId purchase, const payments::Tender& tender,
                                     const payments::Terms& terms, const std::string& source);

    Result<SwapLimits::Turn> turn_at_mint_of(const store::Purchase& purchase);
    Result<Fulfilment> go_on(const store::Purchase& purchase, const protocol::PublicKey& asking);
    Result<Fulfilment> deliver(payments::PurchaseId purchase, const protocol::PublicKey& asking);
    Result<Fulfilment> deliver_or_refund(const store::Purchase& purchase, const protocol::PublicKey& asking);
    Result<bool> refund_is_covered(const store::Purchase& purchase);
    Result<void> activate(const store::Purchase& purchase);
    Result<Fulfilment> answer(const store::Purchase& purchase, const protocol::PublicKey& asking);
    std::string payment_request(const protocol::Tier& tier) const;
    UnixSeconds refused_since(payments::PurchaseId purchase);
    void not_refused_any_more(payments::PurchaseId purchase);

    const Parts parts_;
    std::function<void()> sold_ = [] {};
    std::function<void(const store::Purchase&)> delivered_ = [](const store::Purchase&) {};
    std::mutex mutex_;
    /// Since when the device has refused a paid purchase; a restart begins to count anew.
    std::map<payments::PurchaseId, UnixSeconds> refused_since_;
};

} // namespace adit::app
