#include "devnet/lightning.h"

#include "base/hash.h"

#include <algorithm>

namespace adit::devnet {
namespace {

constexpr std::uint32_t kPayerPaddingBlocks = 3;     // what payers add to the final CLTV delta
constexpr std::uint32_t kHoldExpiryDeltaBlocks = 12; // LND gives up a held payment so long before its timeout

std::uint32_t earliest_timeout(const LightningInvoice& invoice)
{
    std::uint32_t earliest = invoice.htlcs.front().expiry_height;
    for (const Htlc& htlc : invoice.htlcs) earliest = std::min(earliest, htlc.expiry_height);
    return earliest;
}

} // namespace

std::string_view word(LightningNode node)
{
    switch (node) {
    case LightningNode::phoenixd:
        return "phoenixd";
    case LightningNode::lnd:
        return "lnd";
    }
    return {};
}

std::string_view word(LightningState state)
{
    switch (state) {
    case LightningState::open:
        return "open";
    case LightningState::accepted:
        return "accepted";
    case LightningState::settled:
        return "settled";
    case LightningState::canceled:
        return "canceled";
    }
    return {};
}

std::string_view word(PayRefusal refusal)
{
    switch (refusal) {
    case PayRefusal::not_an_invoice:
        return "not-an-invoice";
    case PayRefusal::unknown:
        return "unknown-invoice";
    case PayRefusal::expired:
        return "expired";
    case PayRefusal::canceled:
        return "canceled";
    case PayRefusal::already_paid:
        return "already-paid";
    case PayRefusal::in_flight:
        return "in-flight";
    case PayRefusal::wrong_amount:
        return "wrong-amount";
    }
    return {};
}

Msat LightningInvoice::received() const
{
    std::uint64_t total = 0;
    for (const Htlc& htlc : htlcs)
        if (htlc.state != Htlc::State::canceled) total += htlc.amount.count();
    return Msat(total);
}

Lightning::Lightning(const Clock& clock, Rng& rng) : clock_(clock), rng_(rng)
{
    // A random key is no scalar about once in 2^128 times.
    for (const LightningNode name : {LightningNode::phoenixd, LightningNode::lnd}) nodes_[name].key = rng.secret<32>();
}

ByteArray<33> Lightning::id_of(LightningNode name) const { return node_id(nodes_.at(name).key); }

UnixSeconds Lightning::now(LightningNode name) const { return clock_.now() + nodes_.at(name).offset; }

void Lightning::set_clock_offset(LightningNode name, Seconds offset)
{
    node(name).offset = offset;
    tick();
}

const LightningInvoice* Lightning::make(LightningNode name, const InvoicePlan& plan)
{
    LightningInvoice invoice;
    invoice.node = name;
    if (!plan.hold) invoice.preimage = plan.preimage ? *plan.preimage : rng_.bytes<32>();
    invoice.hash = plan.hold ? *plan.hold : sha256(*invoice.preimage);
    if (invoices_.contains(invoice.hash)) return nullptr;
    invoice.hold = plan.hold.has_value();
    invoice.amount = plan.amount;
    invoice.description = plan.description;
    invoice.description_hash = plan.description_hash;
    invoice.payment_secret = rng_.bytes<32>();
    invoice.created_at = now(name);
    invoice.expiry = plan.expiry;
    invoice.cltv_delta = plan.cltv_delta;
    invoice.bolt11 = encode_invoice({plan.amount, invoice.created_at, plan.expiry, invoice.hash, invoice.payment_secret,
                                     plan.description, plan.description_hash, plan.cltv_delta},
                                    node(name).key);
    return &invoices_.emplace(invoice.hash, std::move(invoice)).first->second;
}

const LightningInvoice* Lightning::find(const PaymentHash& hash) const
{
    const auto found = invoices_.find(hash);
    return found == invoices_.end() ? nullptr : &found->second;
}

PayAnswer Lightning::pay(std::string_view bolt11, std::optional<Msat> amount, Repeat repeat)
{
    tick();
    const auto facts = parse_invoice(bolt11);
    if (!facts) return {PayRefusal::not_an_invoice};
    const auto found = invoices_.find(facts->payment_hash);
    // The payment secret is what a payer knows of an invoice that a forger of its hash does not.
    if (found == invoices_.end() || found->second.payment_secret != facts->payment_secret) return {PayRefusal::unknown};
    LightningInvoice& invoice = found->second;
    const std::optional<Msat> paid = amount ? amount : invoice.amount;
    if (!paid) return {PayRefusal::wrong_amount};
    if (const auto refusal = refuse(invoice, *paid, repeat)) return {refusal};
    lock_in(invoice, *paid);
    if (invoice.hold) {
        invoice.state = LightningState::accepted;
        for (LightningListener* listener : listeners_) listener->invoice_changed(invoice);
    } else {
        resolve(invoice, LightningState::settled);
    }
    return {std::nullopt, &invoice};
}

std::optional<PayRefusal> Lightning::refuse(const LightningInvoice& invoice, Msat amount, Repeat repeat) const
{
    switch (invoice.state) {
    case LightningState::settled:
        return PayRefusal::already_paid;
    case LightningState::canceled:
        return invoice.htlcs.empty() && now(invoice.node) >= invoice.expires_at() ? PayRefusal::expired
                                                                                  : PayRefusal::canceled;
    case LightningState::accepted:
        if (repeat == Repeat::refused) return PayRefusal::in_flight;
        break;
    case LightningState::open:
        break;
    }
    if (clock_.now() >= invoice.expires_at() || now(invoice.node) >= invoice.expires_at()) return PayRefusal::expired;
    if (amount < invoice.amount.value_or(Msat(1))) return PayRefusal::wrong_amount;
    return std::nullopt;
}

void Lightning::lock_in(LightningInvoice& invoice, Msat amount)
{
    invoice.htlcs.push_back({node(invoice.node).htlcs++,
                             amount,
                             height_,
                             height_ + invoice.cltv_delta + kPayerPaddingBlocks,
                             now(invoice.node),
                             {},
                             Htlc::State::accepted});
}

void Lightning::resolve(LightningInvoice& invoice, LightningState state)
{
    const bool settled = state == LightningState::settled;
    invoice.state = state;
    if (settled) invoice.settled_at = now(invoice.node);
    for (Htlc& htlc : invoice.htlcs) {
        htlc.state = settled ? Htlc::State::settled : Htlc::State::canceled;
        htlc.resolved_at = now(invoice.node);
    }
    for (LightningListener* listener : listeners_) listener->invoice_changed(invoice);
}

Lightning::Settled Lightning::settle(LightningNode name, const PaymentPreimage& preimage)
{
    const auto found = invoices_.find(sha256(preimage));
    if (found == invoices_.end() || found->second.node != name) return Settled::unknown;
    switch (found->second.state) {
    case LightningState::open:
        return Settled::still_open;
    case LightningState::settled:
        return Settled::before;
    case LightningState::canceled:
        return Settled::canceled;
    case LightningState::accepted:
        break;
    }
    found->second.preimage = preimage;
    resolve(found->second, LightningState::settled);
    return Settled::now;
}

Lightning::Canceled Lightning::cancel(LightningNode name, const PaymentHash& hash)
{
    const auto found = invoices_.find(hash);
    if (found == invoices_.end() || found->second.node != name) return Canceled::unknown;
    switch (found->second.state) {
    case LightningState::settled:
        return Canceled::settled;
    case LightningState::canceled:
        return Canceled::before;
    case LightningState::open:
    case LightningState::accepted:
        break;
    }
    resolve(found->second, LightningState::canceled);
    return Canceled::now;
}

void Lightning::mine(std::uint32_t blocks)
{
    height_ += blocks;
    for (auto& [hash, invoice] : invoices_)
        if (invoice.state == LightningState::accepted && height_ + kHoldExpiryDeltaBlocks >= earliest_timeout(invoice))
            resolve(invoice, LightningState::canceled);
}

void Lightning::tick()
{
    for (auto& [hash, invoice] : invoices_)
        if (invoice.node == LightningNode::lnd && invoice.state == LightningState::open &&
            now(invoice.node) >= invoice.expires_at())
            resolve(invoice, LightningState::canceled);
}

} // namespace adit::devnet
