// devnet/lightning.h - a pretended Lightning network: two nodes, their invoices, and the payments to them. The
// look-alikes of phoenixd and LND share it; nobody has channels, and a buyer's money never runs out. BOLT-11
#pragma once

#include "base/clock.h"
#include "base/rng.h"
#include "devnet/bolt11.h"

#include <functional>
#include <map>
#include <vector>

namespace adit::devnet {

using PaymentHash = ByteArray<32>;
using PaymentPreimage = ByteArray<32>;

enum class LightningNode { phoenixd, lnd };
std::string_view word(LightningNode node);

/// A payment that has arrived at a node. Heights are of the chain, times of the node's clock.
struct Htlc {
    enum class State { accepted, settled, canceled };
    std::uint64_t index = 0; // from 0, of its node
    Msat amount;
    std::uint32_t accept_height = 0;
    std::uint32_t expiry_height = 0; // when the payer can take the money back on chain
    UnixSeconds accepted_at;
    UnixSeconds resolved_at; // 0: not yet
    State state = State::accepted;
};

enum class LightningState { open, accepted, settled, canceled };
std::string_view word(LightningState state);

struct LightningInvoice {
    LightningNode node = LightningNode::phoenixd;
    std::string bolt11;
    PaymentHash hash{};
    std::optional<PaymentPreimage> preimage; // a hold invoice has none until it is settled
    std::optional<Msat> amount;              // none: the payer chooses
    std::string description;
    std::optional<ByteArray<32>> description_hash;
    ByteArray<32> payment_secret{};
    UnixSeconds created_at; // by the node's clock
    Seconds expiry{3600};
    std::uint32_t cltv_delta = 0; // blocks between a payment's arrival and its timeout, at least
    bool hold = false;
    LightningState state = LightningState::open;
    std::vector<Htlc> htlcs;
    UnixSeconds settled_at; // 0: not yet

    UnixSeconds expires_at() const { return created_at + expiry; }
    /// Of the payments that were not sent back.
    Msat received() const;
};

struct InvoicePlan {
    std::optional<Msat> amount = {};
    std::string description = {};
    std::optional<ByteArray<32>> description_hash = {}; // instead of the description, which the node keeps to itself
    Seconds expiry{3600};
    std::uint32_t cltv_delta = 80;
    std::optional<PaymentPreimage> preimage = {}; // none: chosen at random, but for a hold invoice
    std::optional<PaymentHash> hold = {};         // a hold invoice of this hash
};

/// Why a payment does not go out.
enum class PayRefusal {
    not_an_invoice,
    unknown,  // no node of this network made it
    expired,  // by the payer's clock or the node's
    canceled, // by its node
    already_paid,
    in_flight,    // it is accepted and waits; a second HTLC must be asked for
    wrong_amount, // less than the invoice wants, or none where it names none
};
std::string_view word(PayRefusal refusal);

struct PayAnswer {
    std::optional<PayRefusal> refusal;         // none: the payment is at the node
    const LightningInvoice* invoice = nullptr; // settled or accepted; null where refused
};

/// Hears of every change of an invoice, after it; not of its making.
class LightningListener {
public:
    virtual ~LightningListener() = default;
    virtual void invoice_changed(const LightningInvoice& invoice) = 0;
};

/// Not thread-safe: the world's loop has it.
class Lightning {
public:
    enum class Repeat { refused, second_htlc }; // a second payment to a hold invoice that waits

    Lightning(const Clock& clock, Rng& rng);

    /// Must outlive this.
    void listen(LightningListener& listener) { listeners_.push_back(&listener); }

    ByteArray<33> id_of(LightningNode node) const;
    /// By that node's clock.
    UnixSeconds now(LightningNode node) const;
    /// How far that node's clock is ahead of the world's.
    void set_clock_offset(LightningNode node, Seconds offset);
    std::uint32_t height() const { return height_; }

    /// nullptr: an invoice with that payment hash is known already.
    const LightningInvoice* make(LightningNode node, const InvoicePlan& plan);
    const LightningInvoice* find(const PaymentHash& hash) const;

    /// As a buyer's node would: checks expiry by its own clock, then the invoice's node decides.
    /// `amount`: for invoices that name none; otherwise at least theirs.
    PayAnswer pay(std::string_view bolt11, std::optional<Msat> amount = {}, Repeat repeat = Repeat::refused);

    enum class Settled { now, before, still_open, canceled, unknown };
    Settled settle(LightningNode node, const PaymentPreimage& preimage);
    enum class Canceled { now, before, settled, unknown };
    Canceled cancel(LightningNode node, const PaymentHash& hash);

    /// Blocks come in; LND cancels accepted hold invoices whose payments are close to their timeout.
    void mine(std::uint32_t blocks);
    /// What time alone does: LND cancels open invoices that are past their expiry.
    void tick();

private:
    struct Node {
        SecretBytes<32> key;
        Seconds offset{0};
        std::uint64_t htlcs = 0;
    };
    Node& node(LightningNode name) { return nodes_.at(name); }
    void lock_in(LightningInvoice& invoice, Msat amount);
    void resolve(LightningInvoice& invoice, LightningState state);
    std::optional<PayRefusal> refuse(const LightningInvoice& invoice, Msat amount, Repeat repeat) const;

    const Clock& clock_;
    Rng& rng_;
    std::map<LightningNode, Node> nodes_;
    std::map<PaymentHash, LightningInvoice> invoices_;
    std::vector<LightningListener*> listeners_;
    std::uint32_t height_ = 800'000;
};

} // namespace adit::devnet
