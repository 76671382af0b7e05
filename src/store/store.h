// store/store.h - what adit remembers, in steps rather than rows. Implemented by sqlite_store.h.
// Calls block until the step is durable: from workers, never from the loop. Any worker may call at any time; steps that
// arrive together share one transaction and its sync, with a savepoint each. A change of state names the state that it
// expects. Errors of every call: bad_step (someone was first; nothing happened), busy (the queue is full; nothing
// happened), store_unavailable (it can not be known to be durable: do not act on it; the next start sees what is true).
#pragma once

#include "base/time.h"
#include "payments/journal.h"
#include "payments/transfer.h"
#include "protocol/event.h"
#include "protocol/wireguard_key.h"
#include "session/grant.h"
#include "session/state.h"
#include "store/closing.h"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace adit::store {

using payments::cashu::Point;
using payments::cashu::Proof;
using payments::lightning::PaymentHash;

/// Addresses (text, no prefix) and preshared key that belong to one client key until they have rested.
struct Lease {
    std::string address;
    std::optional<std::string> address6;
    std::optional<protocol::WireguardSecret> preshared_key;
};

/// What a reservation writes.
struct NewPurchase {
    session::Method method = session::Method::cashu;
    std::optional<protocol::EventId> event_id = {};   // Cashu
    std::optional<protocol::PublicKey> auth_key = {}; // Cashu: who pays by Lightning signs nothing
    std::optional<protocol::PublicKey> refund_key = {};
    protocol::WireguardKey client_key;
    std::string listing = {};     // the d tag
    std::string tier_amount = {}; // as in the listing's price tag
    std::string tier_unit = {};
    std::uint64_t quantity = 0;
    session::GrantSize grant = {};
    Sat price = {};                       // quantity × the tier's amount
    Sat paid = {};                        // the token's face value; of an invoice: its amount
    std::optional<std::string> mint = {}; // Cashu
    std::vector<Point> ys = {};           // Cashu: hash_to_curve of each proof's secret
    UnixSeconds now = {};
};

/// A journal row.
struct Purchase {
    PurchaseId id{};
    session::State state{};
    session::Method method{};
    std::optional<protocol::EventId> event_id = {};
    std::optional<protocol::PublicKey> auth_key = {};
    std::optional<protocol::PublicKey> refund_key = {};
    std::optional<protocol::WireguardKey> client_key = {}; // none once it has been wiped
    std::string listing = {};
    std::string tier_amount = {};
    std::string tier_unit = {};
    std::uint64_t quantity = 0;
    session::GrantSize grant = {};
    Sat price = {};
    Sat paid = {};
    std::optional<std::string> mint = {};
    bool holds_lease = false;
    UnixSeconds created_at = {};
    UnixSeconds state_since = {};
    std::optional<std::string> change = {}; // a token, from redeemed on
    std::optional<std::string> refund = {}; // a token, in refunded
    std::optional<UnixSeconds> activated_at = {};
    std::optional<UnixSeconds> expires_at = {}; // as promised when it was activated
    std::optional<std::int64_t> session = {};   // row of the session that the grant went to
};

/// An invoice of ours, and all that the config in its success action promised.
struct Invoice {
    PaymentHash payment_hash{};
    std::optional<payments::lightning::Preimage> preimage = {}; // none once it has been wiped
    std::string bolt11 = {};
    bool holds = false;
    UnixSeconds expires_at = {};
    Lease promised = {};
    std::optional<std::string> session_id = {}; // of the session that it begins; none where it renews one
};

struct InvoicedPurchase {
    Purchase purchase;
    Invoice invoice;
};

enum class ProofMatch { none, exact, partial };

/// What the journal knows of a request, asked before anything else is looked at.
struct Lookup {
    std::optional<Purchase> by_event;
    /// Of the purchase in by_event.
    bool event_has_these_proofs = false;
    bool event_has_this_client_key = false; // also true by hash, after the key was wiped
    /// exact: `by_proofs` has exactly these Ys; partial: some Y belongs to another purchase (or a part of one).
    ProofMatch proofs = ProofMatch::none;
    std::optional<Purchase> by_proofs; // with exact
    bool proofs_have_this_client_key = false;
};

struct Session {
    std::int64_t row = 0;
    std::string id; // 32 hex digits: the capability of /session/{id}
    std::optional<protocol::WireguardKey> client_key;
    bool live = false;
    std::int64_t revision = 0; // grows with every grant that joins
    std::vector<session::Segment> segments;
    UnixSeconds created_at;
    std::optional<UnixSeconds> ended_at;
    std::uint64_t last_received_bytes = 0; // the device's counters when usage was last booked
    std::uint64_t last_sent_bytes = 0;
};

struct LiveSession {
    Session session;
    Lease lease;
};

/// A session as a caller last saw it: what it decided from older segments must not undo a renewal that came between.
struct SessionAt {
    std::int64_t session = 0;
    std::int64_t revision = 0;
};

struct SessionUsage {
    SessionAt at;
    std::vector<session::Segment> segments; // as they are after the usage
    std::uint64_t last_received_bytes = 0;
    std::uint64_t last_sent_bytes = 0;
};

struct Activation {
    std::string session_id; // used if a new session begins
    UnixSeconds now;        // the peer is live since now
    /// The grant is for this session only, and refused with bad_step where that is over.
    std::optional<std::int64_t> only_session = {};
    std::optional<Act> act = {}; // for the books, with session and purchase filled in
};

/// What is left of a session when an unpaid grant was taken back from it; no segments: it is over.
struct TakenBack {
    std::int64_t session = 0;
    std::int64_t revision = 0;
    std::vector<session::Segment> segments = {};
};

struct Activated {
    Session session;
    UnixSeconds expires_at;
    bool first_buyer_is_this_key = true; // of the session: others get neither preshared key nor session id
    bool began = false;                  // the session
};

/// A purchase that another program sold, of a session that goes on here.
struct AdoptedPurchase {
    std::string origin; // whose it was, and what it was called there: none is taken twice
    session::Method method = session::Method::cashu;
    std::string listing = {};
    std::string tier_amount = {};
    std::string tier_unit = {};
    session::GrantSize grant = {};
    Sat price = {}; // and paid: the other program kept no other sum
    UnixSeconds bought_at = {};
    UnixSeconds expires_at = {};
};

/// Its peer is on the device already, with this address and no preshared key of ours.
struct AdoptedSession {
    std::string id; // as Session::id
    protocol::WireguardKey client_key;
    std::string address;
    std::vector<session::Segment> segments = {}; // none: it is over, and its peer is still to be removed
    std::uint64_t last_received_bytes = 0;
    std::uint64_t last_sent_bytes = 0;
    std::vector<AdoptedPurchase> purchases = {}; // one or more, oldest first
};

enum class Adopted {
    now,
    before,        // with all of its purchases: nothing changes
    key_taken,     // the key has a session, a purchase or an address here that is not this one's
    address_taken, // by another key
};

/// There since adopt_sessions ran for the first time.
inline constexpr std::string_view kFactAdopted = "store.adopted_at_s";

/// Whether anybody can have used a wallet's seed before this start.
enum class SeedAge { made_now, from_before };

enum class ProofState {
    unspent,
    refunding, // a purchase's refund has taken it, and its outcome is not known yet
    moving,    // the same of a transfer
    spent,
    spent_elsewhere,
};

struct WalletProof {
    std::string mint = {};
    Proof proof;
    ProofState state = ProofState::unspent;
    std::optional<protocol::EventId> token_event = {}; // the NIP-60 token event that holds it, once there is one
};

// ---- the books: what the rows say of the money. app/books.h makes sums of them.

/// A purchase that ecash came in with, or was paid back in.
struct BookedPurchase {
    PurchaseId id{};
    session::State state{};
    session::Method method{};
    std::optional<std::string> mint = {}; // Cashu; none: sold by another program
    Sat paid = {};
    Sat change = {};  // of the token for the buyer; face value, as all of these
    Sat refund = {};  // of the token for the buyer
    Sat brought = {}; // proofs that came to the wallet with it: of a refund's change, where it was not paid in ecash
    Sat spent = {};   // proofs that its refund has spent
    bool unreadable = false; // a token of the row can not be read
};
/// What a purchase's intention was for.
struct BookedSwap {
    PurchaseId purchase{};
    payments::SwapPurpose purpose{};
    std::string mint = {};
    Sat ours = {};
    Sat buyers = {};
};
struct BookedTransfer {
    payments::Transfer transfer;
    Sat brought = {}; // proofs that came to the wallet with it
    Sat spent = {};   // proofs of the wallet that it has spent
};
/// Sums of proofs that are alike.
struct BookedProofs {
    std::string mint = {};
    ProofState state{};
    bool owed = false;  // of a purchase that is not delivered yet
    bool found = false; // no purchase and no transfer brought it: another client's, or restored
    Sat sum = {};
    std::uint64_t count = 0;
};
/// The face value of a token of ours; none where it can not be read.
using WorthOf = std::function<std::optional<Sat>(std::string_view token)>;
struct BookRows {
    std::vector<BookedPurchase> purchases = {};
    std::vector<BookedSwap> swaps = {};
    std::vector<BookedTransfer> transfers = {};
    std::vector<BookedProofs> proofs = {};
    std::vector<std::string> strays = {}; // proofs whose state no row explains, in words
};

/// One line of the history, newest first.
struct HistoryLine {
    UnixSeconds at = {};
    std::optional<Purchase> sale = {}; // one of the two
    std::optional<payments::Transfer> transfer = {};
    std::optional<Sat> kept = {}; // of a sale for ecash: proofs that came to the wallet
};
/// Where a page ends, and the next begins.
struct HistoryPlace {
    UnixSeconds at = {};
    bool is_sale = false;
    std::int64_t row = 0;
};

struct OutboxEvent {
    protocol::EventId id{};
    std::string json;
    std::vector<std::string> done_relays; // accepted, or refused for good
};

/// There once the seed in use was made by the daemon itself: no mint has ever signed for it elsewhere.
inline constexpr std::string_view kFactSeedIsNew = "seed.made_here";

/// Those that a purchase leaves by itself, sooner or later.
inline constexpr session::State kStatesOnTheWay[]{
    session::State::reserved, session::State::swapping, session::State::open,     session::State::accepted,
    session::State::live,     session::State::settling, session::State::redeemed, session::State::refunding};

class Store : public payments::Journal, public payments::TransferJournal {
public:
    // ---- purchases -------------------------------------------------------------------------------------------------
    /// Released purchases are not found: they have freed their event id and Ys.
    /// Ended ones are, also by the hash of a wiped key.
    virtual Result<Lookup> find(const protocol::EventId& event, std::span<const Point> ys,
                                const protocol::WireguardKey& client_key) = 0;
    /// Inserts the row as `reserved` with its claims. The client key's lease is kept if it has one (resting or not),
    /// else `candidate` becomes it. Errors: double_spent (a Y belongs to another purchase), bad_step (the event id
    /// does), no_ip_available (candidate needed but absent), busy (another key has the candidate's address).
    struct Reserved {
        PurchaseId purchase{};
        Lease lease;
        bool used_candidate = false;
    };
    virtual Result<Reserved> reserve(const NewPurchase& purchase, const Lease* candidate) = 0;
    virtual Result<Purchase> purchase(PurchaseId id) = 0; // Errors: not_found
    /// Paid by Cashu and in reserved, swapping, redeemed or refunding, oldest first.
    virtual Result<std::vector<Purchase>> open_purchases() = 0;
    /// A running purchase gives its hold on the address back (it keeps its claims). Errors: bad_step (it has none).
    virtual Result<void> drop_lease(PurchaseId id) = 0;
    /// And takes one again; nothing changes if it has one. Errors: no_ip_available, busy (as reserve); bad_step (not
    /// running).
    virtual Result<Reserved> take_lease(PurchaseId id, const Lease* candidate) = 0;
    /// redeemed → active, accepted → live: the grant joins the client key's live session, or begins one.
    /// session::add_grant decides how. The session takes over the purchase's hold on the lease.
    /// Errors: above_max_purchase (add_grant), bad_step (another state, or no lease: take_lease comes first).
    virtual Result<Activated> mark_active(PurchaseId id, const Activation& activation) = 0;
    /// redeemed → ended for those paid by Cashu and unclaimed since before `before`. Gives how many.
    virtual Result<std::size_t> lapse_unclaimed(UnixSeconds before) = 0;

    // ---- invoices --------------------------------------------------------------------------------------------------
    /// reserved → open. Nobody may see the invoice before. Errors: bad_step; double_spent (another purchase has this
    /// payment hash: the backend gave an invoice twice).
    virtual Result<void> mark_open(PurchaseId id, const Invoice& invoice) = 0;
    /// open → accepted.
    virtual Result<void> mark_accepted(PurchaseId id) = 0;
    /// live → settling.
    virtual Result<void> mark_settling(PurchaseId id) = 0;
    /// open, accepted or released → redeemed; live or settling → active.
    virtual Result<void> mark_settled(PurchaseId id) = 0;
    /// open or accepted → released: gives the address back. Errors: bad_step.
    virtual Result<void> mark_unpaid(PurchaseId id) = 0;
    /// live or settling → released: the grant leaves its session, which ends where nothing is left. Where it does, the
    /// peer must have gone before. None where the session was over already.
    virtual Result<std::optional<TakenBack>> take_back(PurchaseId id, UnixSeconds now) = 0;
    /// redeemed → ended: the operator has settled with the buyer outside of adit.
    virtual Result<void> mark_settled_by_hand(PurchaseId id) = 0;
    virtual Result<std::optional<InvoicedPurchase>> invoice(const PaymentHash& hash) = 0;
    virtual Result<InvoicedPurchase> invoice_of(PurchaseId id) = 0; // Errors: not_found
    /// Whether a config that was handed out promises this session.
    virtual Result<bool> promises_session(std::string_view session_id) = 0;
    /// Paid by Lightning and in reserved, open, accepted, live, settling, redeemed or refunding, oldest first.
    struct OpenInvoice {
        PurchaseId purchase{};
        session::State state{};
        std::optional<PaymentHash> payment_hash = {}; // none in reserved
        UnixSeconds expires_at = {};
        UnixSeconds state_since = {};
    };
    virtual Result<std::vector<OpenInvoice>> open_invoices() = 0;

    // ---- sessions --------------------------------------------------------------------------------------------------
    virtual Result<std::optional<LiveSession>> live_session(const protocol::WireguardKey& client_key) = 0;
    virtual Result<std::vector<LiveSession>> live_sessions() = 0;
    virtual Result<std::optional<Session>> session_by_id(std::string_view id) = 0;
    /// Whether this auth key bought the session's first grant: others get neither preshared key nor session id.
    /// Errors: not_found.
    virtual Result<bool> first_buyer_is(std::int64_t session, const protocol::PublicKey& auth_key) = 0;
    /// Gives the sessions that were renewed or ended meanwhile: theirs is not saved, load them and count again.
    virtual Result<std::vector<std::int64_t>> save_usage(std::span<const SessionUsage> usage) = 0;
    /// live → ended, with its grants' purchases active → ended; the lease begins its rest if nothing else holds it.
    /// Gives the sessions that ended now: not those renewed meanwhile, nor those that had ended before.
    virtual Result<std::vector<std::int64_t>> end_sessions(std::span<const SessionAt> sessions, UnixSeconds now) = 0;
    /// Of these device peers, the ones whose key has or had a session here, or a purchase that was paid: no other can
    /// have put a peer. Wiped keys are known by their hash.
    virtual Result<std::vector<protocol::WireguardKey>> ours(std::span<const protocol::WireguardKey> keys) = 0;
    /// Wipes client keys, preshared keys and leases of sessions that ended before `before`; a keyed hash stays. Gives
    /// how many.
    virtual Result<std::size_t> wipe_ended(UnixSeconds before) = 0;

    // ---- by hand, and before their time ----------------------------------------------------------------------------
    /// A grant that nobody pays for: inserts the row, as redeemed and with its hold on an address, as reserve() does.
    /// Errors: as reserve.
    virtual Result<Reserved> give(const NewPurchase& purchase, const Lease* candidate) = 0;
    /// redeemed → ended for what was given and could not be put up; its address rests.
    virtual Result<void> take_gift_back(PurchaseId id) = 0;
    /// The same for all of them, at the start: whoever gave them was not told that it was done. Gives how many.
    virtual Result<std::size_t> take_unfinished_gifts_back() = 0;
    /// live → ended by the operator, as end_sessions, with the line in the books. The peer must have gone before.
    /// Errors: bad_step (renewed meanwhile, over since, or a payment of it is being settled at this moment).
    virtual Result<void> revoke_session(const SessionUsage& usage, const Act& act) = 0;
    /// active → ended for these grants, what is left of the session, and what is owed for them, in one transaction;
    /// with the operator's line where it is he who closes. Gives the refunds in the order of `refunds`. Errors:
    /// bad_step (the session was renewed or has ended meanwhile, or a grant is not active).
    virtual Result<std::vector<RefundId>> close_grants(const Closing& closing, UnixSeconds now) = 0;
    virtual Result<Refund> refund(RefundId id) = 0; // Errors: not_found
    virtual Result<std::vector<Refund>> refunds_of(std::int64_t session) = 0;
    /// Without a token, and owed one. Oldest first.
    virtual Result<std::vector<Refund>> owed_refunds() = 0;
    /// The token is there, for whoever asks again. Nothing changes where it was there already.
    virtual Result<void> settle_refund(RefundId id, std::string_view token, UnixSeconds now) = 0;

    /// All that ever joined it, in that order. Errors: store_unavailable.
    virtual Result<std::vector<SessionGrant>> grants_of(std::int64_t session) = 0;
    virtual Result<std::optional<LiveSession>> live_session_at(std::int64_t session) = 0;
    virtual Result<std::optional<Session>> session_at(std::int64_t session) = 0;
    enum class Listed { live, all };
    /// The sessions after that row, oldest first, at most `limit`.
    virtual Result<std::vector<SessionRow>> list_sessions(Listed which, std::int64_t after, std::size_t limit) = 0;
    /// Of one session, or all; oldest first, the latest `limit`.
    virtual Result<std::vector<Act>> acts(std::optional<std::int64_t> session, std::size_t limit) = 0;

    /// Takes over what another program sold, all in one step; live sessions keep address, time and counters. Sessions
    /// and purchases that are taken by others are left out, and the rest is taken. rehearse: the same answer, and
    /// nothing is written.
    enum class Adopting { really, rehearse };
    virtual Result<std::vector<Adopted>> adopt_sessions(std::span<const AdoptedSession> sessions, UnixSeconds now,
                                                        Adopting how) = 0;

    // ---- addresses -------------------------------------------------------------------------------------------------
    /// Every address that may not be given out: leased, or resting (then with the end of its rest).
    struct TakenAddress {
        std::string address; // IPv4 or IPv6
        std::optional<UnixSeconds> rests_until = {};
    };
    virtual Result<std::vector<TakenAddress>> taken_addresses() = 0;
    /// Forgets leases whose rest ended by `now`, preshared keys included, and gives their addresses.
    virtual Result<std::vector<std::string>> end_rests(UnixSeconds now) = 0;

    // ---- wallet ----------------------------------------------------------------------------------------------------
    virtual Result<std::vector<WalletProof>> wallet_proofs(ProofState state) = 0;
    /// What the unspent proofs of a mint's keyset are worth.
    struct Holding {
        std::string mint;
        payments::cashu::KeysetId keyset;
        Sat worth;
    };
    virtual Result<std::vector<Holding>> holdings() = 0;
    /// The prices of all that was sold that way and is neither owed nor paid back.
    virtual Result<Sat> taken_by(session::Method method) = 0;
    /// The next unused NUT-13 counter of each keyset.
    struct Counter {
        payments::cashu::KeysetId keyset;
        std::uint64_t next = 0;
    };
    virtual Result<std::vector<Counter>> counters() = 0;
    /// Tells whose counters these are: `fingerprint` names the wallet's seed, and gives nothing of it away. Those of
    /// another seed are forgotten, and so are facts whose names begin with "seed.". With made_now, the fact
    /// kFactSeedIsNew is there afterwards.
    virtual Result<void> use_seed(std::string_view fingerprint, SeedAge age) = 0;
    /// Proofs that a mint signed for the seed in use, of one keyset, and the counter after the last output that it has
    /// signed: in one transaction, so that a counter never passes a proof that is not here. Known proofs and higher
    /// counters are left as they are. Gives how many proofs were new.
    virtual Result<std::size_t> add_restored_proofs(std::span<const WalletProof> proofs,
                                                    const Counter& signed_up_to) = 0;
    /// Proofs found in the operator's NIP-60 events; known ones are left as they are. Gives how many were new.
    virtual Result<std::size_t> add_wallet_proofs(std::span<const WalletProof> proofs) = 0;
    /// unspent → spent_elsewhere, for proofs that a mint calls spent (NUT-07) and that we did not spend. Gives how many
    /// changed.
    virtual Result<std::size_t> mark_spent_elsewhere(std::span<const Point> ys) = 0;
    /// Unspent proofs that no token event holds yet, of one mint, oldest first, at most `limit`.
    virtual Result<std::vector<WalletProof>> unpublished_proofs(std::size_t limit) = 0;
    /// The token event that holds these proofs, and the events to send with it, in one transaction.
    /// Errors: bad_step (a proof is not unspent any more).
    virtual Result<void> record_token_event(const protocol::EventId& token_event, std::span<const Point> ys,
                                            std::span<const protocol::Event> outbox) = 0;
    /// Token events that hold a proof which is not unspent any more: to be deleted, and what is left in them told anew.
    virtual Result<std::vector<protocol::EventId>> stale_token_events(std::size_t limit) = 0;
    /// The proofs of these deleted token events belong to none (those still unspent are unpublished again), and the
    /// events to send with that, in one transaction. With `token_event`, `ys` move to that one, as in
    /// record_token_event.
    struct TokenEvents {
        std::vector<protocol::EventId> deleted;
        std::optional<protocol::EventId> token_event;
        std::vector<Point> ys;
    };
    virtual Result<void> replace_token_events(const TokenEvents& change, std::span<const protocol::Event> outbox) = 0;

    /// Nutzaps that are in the wallet and that no event says so of yet, oldest first.
    virtual Result<std::vector<payments::Transfer>> untold_nutzaps(std::size_t limit) = 0;
    /// And the event that says so, in one transaction. Errors: bad_step (told before).
    virtual Result<void> mark_nutzap_told(payments::TransferId transfer, const protocol::Event& event) = 0;
    /// All of one moment. Errors: store_unavailable.
    virtual Result<BookRows> books(const WorthOf& worth_of) = 0;
    /// Sales that were paid, and transfers; those before `before`, at most `limit`.
    virtual Result<std::vector<HistoryLine>> history(const std::optional<HistoryPlace>& before, std::size_t limit) = 0;

    // ---- what must reach relays ------------------------------------------------------------------------------------
    /// Events that are there already stay as they are.
    virtual Result<void> put_outbox(std::span<const protocol::Event> events) = 0;
    /// Events that some relay of `relays` has not settled, oldest first, at most `limit`.
    virtual Result<std::vector<OutboxEvent>> outbox(std::span<const std::string> relays, std::size_t limit) = 0;
    virtual Result<void> settle_outbox(const protocol::EventId& event, const std::string& relay) = 0;
    /// Forgets events that every relay of `relays` has settled (none are, by no relays), and those created before
    /// `before`.
    virtual Result<void> prune_outbox(std::span<const std::string> relays, UnixSeconds before) = 0;

    // ---- for the operator who looks on -----------------------------------------------------------------------------
    /// How things stand, at any size, without anything that grows with history. Not all of one moment.
    struct Standing {
        struct InState {
            session::State state{};
            std::uint64_t purchases = 0;
            UnixSeconds oldest; // in this state since
        };
        std::vector<InState> open; // kStatesOnTheWay that a purchase is in
        std::uint64_t outbox = 0;  // events that some relay has not settled
        std::optional<UnixSeconds> outbox_oldest = {};
        struct AtMint {
            std::string mint;
            Sat unspent;
        };
        std::vector<AtMint> wallet;
    };
    virtual Result<Standing> standing() = 0;
    /// What was bought since then, paid and delivered; of purchases made before, nothing.
    struct Sold {
        session::Method method{};
        std::optional<std::string> mint = {};
        std::string tier_amount = {};
        std::string tier_unit = {};
        std::uint64_t sales = 0;
        Sat price; // of all of them
    };
    virtual Result<std::vector<Sold>> sold_since(UnixSeconds since) = 0;

    // ---- single facts ----------------------------------------------------------------------------------------------
    /// Small named values: the wallet's keys, the listing's last created_at, whether sales are paused, mints' keysets.
    /// Names that begin with "store." are the store's own; those that begin with "seed." go when the seed goes.
    virtual Result<std::optional<std::string>> fact(std::string_view name) = 0;
    virtual Result<void> set_fact(std::string_view name, std::string_view value) = 0;
};

} // namespace adit::store
