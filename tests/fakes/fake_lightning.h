// tests/fakes/fake_lightning.h - a Lightning node in memory that behaves: it makes real invoices, takes payments of
// them, and holds them where told to. It can fall silent before or after acting, like any edge.
#pragma once

#include "devnet/bolt11.h"
#include "payments/lightning/backend.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"

#include <functional>
#include <map>
#include <mutex>

namespace adit::fakes {

class FakeLightning final : public payments::lightning::Backend {
public:
    using PaymentHash = payments::lightning::PaymentHash;
    using InvoiceState = payments::lightning::InvoiceState;

    enum class Way { plain, hold };
    /// What the next calls of one kind do, until told otherwise.
    enum class Mood { answers, silent_before, silent_after, refuses };

    FakeLightning(Way way, const Clock& clock, Rng& rng)
        : way_(way), clock_(clock), rng_(rng), node_key_(rng.secret<32>())
    {
    }

    /// Called before and after each request; false: the process has died, so nothing more happens.
    std::function<bool(const std::string&)> on_call = [](const std::string&) { return true; };
    void set_mood(const std::string& call, Mood mood) { moods_[call] = mood; }
    void clear_moods() { moods_.clear(); }

    // ---- the payer's side ------------------------------------------------------------------------------------------
    /// True: taken (settled at once, or held). False: not payable, or paid already.
    bool pay(const PaymentHash& hash)
    {
        Kept& kept = invoices_.at(hash);
        expire(kept);
        if (kept.state != InvoiceState::open) return false;
        kept.state = way_ == Way::hold ? InvoiceState::accepted : InvoiceState::settled;
        if (kept.state == InvoiceState::settled) ++kept.times_settled;
        return true;
    }
    /// As phoenixd may: settled although it had called it over.
    void settle_late(const PaymentHash& hash)
    {
        invoices_.at(hash).state = InvoiceState::settled;
        ++invoices_.at(hash).times_settled;
    }
    /// As LND does by itself, shortly before the HTLC times out.
    void cancel_by_itself(const PaymentHash& hash) { invoices_.at(hash).state = InvoiceState::ended; }
    void set_blocks_left(std::uint32_t blocks) { blocks_left_ = blocks; }

    InvoiceState state_of(const PaymentHash& hash) const { return invoices_.at(hash).state; }
    /// Whether the payer has lost the money.
    bool charged(const PaymentHash& hash) const { return state_of(hash) == InvoiceState::settled; }
    std::size_t made() const { return invoices_.size(); }
    /// What the payer learns by paying.
    ByteArray<32> preimage(const PaymentHash& hash) const { return invoices_.at(hash).preimage; }

    // ---- Backend ---------------------------------------------------------------------------------------------------
    std::string_view name() const override { return "fake"; }
    bool holds() const override { return way_ == Way::hold; }
    Result<payments::lightning::Network> network() override { return payments::lightning::Network::regtest; }
    Result<payments::lightning::MadeInvoice> make(const payments::lightning::InvoiceRequest& request) override
    {
        payments::lightning::MadeInvoice made;
        const auto done = call("make", [&] {
            Kept kept;
            std::ranges::copy(request.preimage.expose(), kept.preimage.begin());
            made.payment_hash = sha256(kept.preimage);
            made.preimage = request.preimage.duplicate();
            kept.expires_at = clock_.now() + request.expiry;
            devnet::InvoiceDraft draft{.amount = to_msat(request.amount),
                                       .timestamp = clock_.now(),
                                       .expiry = request.expiry,
                                       .payment_hash = made.payment_hash,
                                       .payment_secret = rng_.bytes<32>(),
                                       .description = {}};
            draft.description_hash = request.description_hash;
            made.bolt11 = devnet::encode_invoice(draft, node_key_);
            invoices_[made.payment_hash] = kept;
        });
        if (!done) return done.error();
        return made;
    }
    Result<payments::lightning::InvoiceStatus> look_up(const PaymentHash& hash) override
    {
        payments::lightning::InvoiceStatus status;
        bool known = true;
        TRY(call("look_up", [&] {
            const auto place = invoices_.find(hash);
            known = place != invoices_.end();
            if (!known) return;
            expire(place->second);
            status.state = place->second.state;
            if (status.state == InvoiceState::accepted) status.blocks_left = blocks_left_;
        }));
        if (!known) return Error{Reason::not_found, "no such invoice"};
        return status;
    }
    Result<void> settle(const payments::lightning::Preimage& preimage) override
    {
        return call("settle", [&] {
            Kept& kept = invoices_.at(sha256(preimage.expose()));
            if (kept.state != InvoiceState::accepted) return;
            kept.state = InvoiceState::settled;
            ++kept.times_settled;
        });
    }
    Result<void> cancel(const PaymentHash& hash) override
    {
        if (way_ == Way::plain && !cancels_plain_) return Error{Reason::policy, "this node can not"};
        return call("cancel", [&] {
            Kept& kept = invoices_.at(hash);
            if (kept.state == InvoiceState::open || kept.state == InvoiceState::accepted)
                kept.state = InvoiceState::ended;
        });
    }
    void start(payments::lightning::Listener&, std::uint64_t) override {}
    void follow(const PaymentHash&) override {}
    void stop() override {}

    /// phoenixd can not cancel, LND can.
    void set_cancels_plain(bool cancels) { cancels_plain_ = cancels; }

private:
    struct Kept {
        ByteArray<32> preimage{};
        InvoiceState state = InvoiceState::open;
        UnixSeconds expires_at;
        int times_settled = 0;
    };
    void expire(Kept& kept) const
    {
        if (kept.state == InvoiceState::open && clock_.now() > kept.expires_at) kept.state = InvoiceState::ended;
    }
    template<typename Act>
    Result<void> call(const std::string& name, Act act)
    {
        const Error silence{Reason::lightning_unreachable, "nothing came back"};
        const auto place = moods_.find(name);
        const Mood mood = place == moods_.end() ? Mood::answers : place->second;
        if (!on_call("before " + name) || mood == Mood::silent_before) return silence;
        if (mood == Mood::refuses) return Error{Reason::lightning_refused, "no"};
        act();
        if (!on_call("after " + name) || mood == Mood::silent_after) return silence;
        return {};
    }

    const Way way_;
    const Clock& clock_;
    Rng& rng_;
    const SecretBytes<32> node_key_;
    bool cancels_plain_ = false;
    std::uint32_t blocks_left_ = 100;
    std::map<std::string, Mood> moods_;
    std::map<PaymentHash, Kept> invoices_;
};

} // namespace adit::fakes
