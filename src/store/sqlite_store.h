// store/sqlite_store.h - the store in one SQLite file beside its write-ahead log. See writer.h for how calls meet
// there. The file holds what money needs to be found again (swap outputs, proofs, wallet keys) in the clear: it is 0600
// in a 0700 folder, and what is wiped is overwritten.
#pragma once

#include "base/clock.h"
#include "base/rng.h"
#include "store/reader.h"
#include "store/store.h"
#include "store/writer.h"

#include <filesystem>
#include <memory>

namespace adit::store {

class FileLock;

class SqliteStore final : public Store {
public:
    struct Options {
        Clock& clock = system_clock();
        Rng& rng = system_rng();       // for the key of the hashes, at the first open
        std::size_t queue_limit = 512; // steps that may wait; beyond: busy
        CommitHooks hooks = {};
    };
    /// Makes the file (0600) and its folder (0700) where absent, and takes a lock beside it for as long as it lives.
    /// Errors: store_unavailable, in words for the operator: in use by another aditd, made by a newer one, another
    /// program's, damaged, not writable.
    static Result<std::unique_ptr<SqliteStore>> open(const std::filesystem::path& path, Options options);
    /// No call may be running.
    ~SqliteStore() override;

    // Journal
    Result<payments::SwapId> begin_swap(PurchaseId purchase, const payments::SwapIntent& intent) override;
    Result<void> mark_redeemed(PurchaseId purchase, payments::SwapId swap, const payments::Receipt& receipt) override;
    Result<void> mark_released(PurchaseId purchase, Reason why) override;
    Result<payments::SwapId> begin_refund(PurchaseId purchase, const payments::SwapIntent& intent) override;
    Result<void> mark_refunded(PurchaseId purchase, payments::SwapId swap, const std::string& token,
                               std::span<const Proof> change) override;
    Result<std::vector<payments::StoredSwap>> swaps(PurchaseId purchase) override;
    Result<std::vector<Proof>> proofs_of(PurchaseId purchase) override;
    Result<std::vector<payments::HeldProof>> unspent() override;

    // Transfers
    Result<Begun> begin_transfer(const payments::NewTransfer& transfer, const payments::SwapIntent& intent) override;
    Result<payments::SwapId> intend_again(payments::TransferId transfer, const payments::SwapIntent& intent) override;
    Result<payments::SwapId> begin_payment(payments::TransferId transfer, payments::SwapId split, const Split& made,
                                           const payments::SwapIntent& melt) override;
    Result<void> mark_moved(payments::TransferId transfer, payments::SwapId swap, const MovedMoney& moved) override;
    Result<void> mark_not_moved(payments::TransferId transfer, std::string_view why,
                                std::span<const Point> spent_elsewhere) override;
    Result<std::vector<payments::StoredSwap>> swaps_of(payments::TransferId transfer) override;
    Result<payments::Transfer> transfer(payments::TransferId id) override;
    Result<std::optional<payments::Transfer>> transfer_named(std::string_view reference) override;
    Result<std::optional<payments::Transfer>> transfer_paying(const PaymentHash& hash) override;
    Result<std::vector<payments::Transfer>> open_transfers() override;

    // Purchases
    Result<Lookup> find(const protocol::EventId& event, std::span<const Point> ys,
                        const protocol::WireguardKey& client_key) override;
    Result<Reserved> reserve(const NewPurchase& purchase, const Lease* candidate) override;
    Result<Purchase> purchase(PurchaseId id) override;
    Result<std::vector<Purchase>> open_purchases() override;
    Result<void> drop_lease(PurchaseId id) override;
    Result<Reserved> take_lease(PurchaseId id, const Lease* candidate) override;
    Result<Activated> mark_active(PurchaseId id, const Activation& activation) override;
    Result<std::size_t> lapse_unclaimed(UnixSeconds before) override;

    // Invoices
    Result<void> mark_open(PurchaseId id, const Invoice& invoice) override;
    Result<void> mark_accepted(PurchaseId id) override;
    Result<void> mark_settling(PurchaseId id) override;
    Result<void> mark_settled(PurchaseId id) override;
    Result<void> mark_unpaid(PurchaseId id) override;
    Result<std::optional<TakenBack>> take_back(PurchaseId id, UnixSeconds now) override;
    Result<void> mark_settled_by_hand(PurchaseId id) override;
    Result<std::optional<InvoicedPurchase>> invoice(const PaymentHash& hash) override;
    Result<InvoicedPurchase> invoice_of(PurchaseId id) override;
    Result<bool> promises_session(std::string_view session_id) override;
    Result<std::vector<OpenInvoice>> open_invoices() override;

    // Sessions
    Result<std::optional<LiveSession>> live_session(const protocol::WireguardKey& client_key) override;
    Result<std::vector<LiveSession>> live_sessions() override;
    Result<std::optional<Session>> session_by_id(std::string_view id) override;
    Result<bool> first_buyer_is(std::int64_t session, const protocol::PublicKey& auth_key) override;
    Result<std::vector<std::int64_t>> save_usage(std::span<const SessionUsage> usage) override;
    Result<std::vector<std::int64_t>> end_sessions(std::span<const SessionAt> sessions, UnixSeconds now) override;
    Result<std::vector<protocol::WireguardKey>> ours(std::span<const protocol::WireguardKey> keys) override;
    Result<std::size_t> wipe_ended(UnixSeconds before) override;
    Result<std::vector<Adopted>> adopt_sessions(std::span<const AdoptedSession> sessions, UnixSeconds now,
                                                Adopting how) override;

    // By hand, and before their time
    Result<Reserved> give(const NewPurchase& purchase, const Lease* candidate) override;
    Result<void> take_gift_back(PurchaseId id) override;
    Result<std::size_t> take_unfinished_gifts_back() override;
    Result<void> revoke_session(const SessionUsage& usage, const Act& act) override;
    Result<std::vector<RefundId>> close_grants(const Closing& closing, UnixSeconds now) override;
    Result<Refund> refund(RefundId id) override;
    Result<std::vector<Refund>> refunds_of(std::int64_t session) override;
    Result<std::vector<Refund>> owed_refunds() override;
    Result<void> settle_refund(RefundId id, std::string_view token, UnixSeconds now) override;
    Result<std::vector<SessionGrant>> grants_of(std::int64_t session) override;
    Result<std::optional<LiveSession>> live_session_at(std::int64_t session) override;
    Result<std::optional<Session>> session_at(std::int64_t session) override;
    Result<std::vector<SessionRow>> list_sessions(Listed which, std::int64_t after, std::size_t limit) override;
    Result<std::vector<Act>> acts(std::optional<std::int64_t> session, std::size_t limit) override;

    // Addresses
    Result<std::vector<TakenAddress>> taken_addresses() override;
    Result<std::vector<std::string>> end_rests(UnixSeconds now) override;

    // Wallet
    Result<std::vector<WalletProof>> wallet_proofs(ProofState state) override;
    Result<std::vector<Holding>> holdings() override;
    Result<Sat> taken_by(session::Method method) override;
    Result<std::vector<Counter>> counters() override;
    Result<void> use_seed(std::string_view fingerprint, SeedAge age) override;
    Result<std::size_t> add_restored_proofs(std::span<const WalletProof> proofs, const Counter& signed_up_to) override;
    Result<std::size_t> add_wallet_proofs(std::span<const WalletProof> proofs) override;
    Result<std::size_t> mark_spent_elsewhere(std::span<const Point> ys) override;
    Result<std::vector<WalletProof>> unpublished_proofs(std::size_t limit) override;
    Result<void> record_token_event(const protocol::EventId& token_event, std::span<const Point> ys,
                                    std::span<const protocol::Event> outbox) override;
    Result<std::vector<protocol::EventId>> stale_token_events(std::size_t limit) override;
    Result<void> replace_token_events(const TokenEvents& change, std::span<const protocol::Event> outbox) override;

    Result<std::vector<payments::Transfer>> untold_nutzaps(std::size_t limit) override;
    Result<void> mark_nutzap_told(payments::TransferId transfer, const protocol::Event& event) override;
    Result<BookRows> books(const WorthOf& worth_of) override;
    Result<std::vector<HistoryLine>> history(const std::optional<HistoryPlace>& before, std::size_t limit) override;

    // Outbox
    Result<void> put_outbox(std::span<const protocol::Event> events) override;
    Result<std::vector<OutboxEvent>> outbox(std::span<const std::string> relays, std::size_t limit) override;
    Result<void> settle_outbox(const protocol::EventId& event, const std::string& relay) override;
    Result<void> prune_outbox(std::span<const std::string> relays, UnixSeconds before) override;

    // Who looks on
    Result<Standing> standing() override;
    Result<std::vector<Sold>> sold_since(UnixSeconds since) override;

    // Facts
    Result<std::optional<std::string>> fact(std::string_view name) override;
    Result<void> set_fact(std::string_view name, std::string_view value) override;

private:
    SqliteStore(Clock& clock, SecretBytes<32> client_hash_key, std::unique_ptr<FileLock> lock);

    /// `on` runs `step(Database&)`, which gives a Result; so do these.
    template<typename On, typename Step>
    static auto run(const On& on, const Step& step) -> decltype(step(std::declval<Database&>()));
    template<typename Step>
    auto read(const Step& step)
    {
        return run([this](const Writer::Step& plain) { return read_plain(plain); }, step);
    }
    template<typename Step>
    auto write(std::string_view name, const Step& step)
    {
        return run([this, name](const Writer::Step& plain) { return writer_->run(name, plain); }, step);
    }
    Result<void> read_plain(const Writer::Step& step);

    /// What stands for a WireGuard key in the rows, also when the key is gone: HMAC-SHA256 under a key of this file.
    std::string client_of(const protocol::WireguardKey& key) const;
    UnixSeconds end_of_rest() const;
    Result<Adopted> adopt(Database& db, const AdoptedSession& session, UnixSeconds now) const;

    Clock& clock_;
    const SecretBytes<32> client_hash_key_;
    std::unique_ptr<FileLock> lock_;
    std::unique_ptr<Reader> reader_;
    std::unique_ptr<Writer> writer_; // last: gone before the lock is
};

template<typename On, typename Step>
auto SqliteStore::run(const On& on, const Step& step) -> decltype(step(std::declval<Database&>()))
{
    using Answer = decltype(step(std::declval<Database&>()));
    std::optional<Answer> answer;
    const Result<void> done = on([&](Database& db) -> Result<void> {
        answer = step(db);
        if (!*answer) return answer->error();
        return {};
    });
    if (!done) return done.error(); // the step's own failure, or that of its transaction
    return std::move(*answer);
}

} // namespace adit::store
