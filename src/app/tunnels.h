// app/tunnels.h - the live sessions as peers of the device: put, counted, ended on time. The store is the truth and the
// device follows. spec: Sessions, time and data; WireGuard
#pragma once

#include "base/clock.h"
#include "base/rng.h"
#include "protocol/info.h"
#include "store/store.h"
#include "wg/address_pool.h"
#include "wg/device.h"
#include "wg/keeper.h"
#include "wg/usage.h"

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>

namespace adit::app {

struct TunnelOptions {
    bool preshared_keys = false;
    Seconds retention{24 * 3600}; // of the client keys of ended sessions
    /// Of [wireguard].server_pubkey: a device with another key is not usable.
    std::optional<protocol::WireguardKey> server_key;
    /// Of [wireguard].manage; none: the interface is the operator's. Must outlive it.
    wg::Keeper* keeper = nullptr;
};

/// Blocking: from workers and its own background thread. Thread-safe.
class Tunnels {
public:
    /// All references must outlive it.
    Tunnels(store::Store& store, wg::Device& device, wg::AddressPool& pool, const Clock& clock, Rng& rng,
            TunnelOptions options);

    /// Once, before anything else: what the store says is live, leased or resting. Errors: store_unavailable.
    Result<void> load();
    /// Called after a new deadline, so that the background thread can look when the next one is.
    void on_new_deadline(std::function<void()> wake) { wake_ = std::move(wake); }

    // ---- for a purchase --------------------------------------------------------------------------------------------
    /// An address that nobody has, with a preshared key where those are on. Errors: no_ip_available.
    Result<store::Lease> candidate();
    /// The very addresses and preshared key that a config was promised and that nobody holds any more.
    /// Errors: no_ip_available (somebody has them).
    Result<store::Lease> candidate_at(const store::Lease& promised);
    /// Of a candidate that was not needed.
    void give_back(const store::Lease& candidate);
    /// Of one from candidate_at: who had it last may be resting.
    void let_rest(const store::Lease& candidate);
    std::uint64_t pool_size() const { return pool_.size(); }
    /// The queue of grants that this key has; empty for none.
    std::vector<session::Segment> segments_of(const protocol::WireguardKey& key) const;
    /// A peer of the device that adit did not make, or the device itself.
    bool is_taken_by_others(const protocol::WireguardKey& key) const;
    /// The device's own key; none while the device was never seen and the config does not name it.
    std::optional<protocol::WireguardKey> server_key() const;
    /// Whether a tunnel that is sold now would work: it is there, kept as it should be, and has the key that configs
    /// name. As of the last time we looked; if that failed, looks again (at most once a second).
    bool device_usable();
    struct Joining {
        std::optional<std::string> session_id = {};    // of a session that begins, where one was promised
        std::optional<std::int64_t> only_session = {}; // the grant is for this session only
        std::optional<store::Act> act = {};            // for the books
    };
    /// Puts the peer, then books it: redeemed → active, accepted → live. Errors: above_max_purchase (the session has no
    /// room), device_absent, device_unavailable (nothing is booked), bad_step, store_unavailable (the peer may be
    /// there: the next reconcile removes it).
    Result<store::Activated> activate(payments::PurchaseId purchase, const protocol::WireguardKey& key,
                                      const store::Lease& lease, const Joining& how);
    Result<store::Activated> activate(payments::PurchaseId purchase, const protocol::WireguardKey& key,
                                      const store::Lease& lease)
    {
        return activate(purchase, key, lease, Joining{});
    }
    /// live or settling → released: a grant that turned out to be unpaid goes, and with the last one of its key the
    /// peer first. Errors: device_unavailable (nothing is booked: try again), bad_step, store_unavailable.
    Result<void> take_back(payments::PurchaseId purchase, const protocol::WireguardKey& key);
    /// After it no peer has this key but for a live session. Errors: device_unavailable (nobody can tell).
    Result<void> confirm_gone(const protocol::WireguardKey& key);

    // ---- before its time -------------------------------------------------------------------------------------------
    /// Ends the session now: the peer goes, then the books say so, with the operator's line. Errors: not_found (no such
    /// session); session_ended; bad_step (in words: renewed or being paid for at this moment); device_unavailable
    /// (nothing is booked).
    Result<void> revoke(std::int64_t session, const store::Act& act);
    /// What ends of a session, decided from its queue as it is now, usage counted. Gives `left`, `refunds`, `grants`,
    /// `by` and `note` of the closing; the rest is filled in.
    using Decide = std::function<Result<store::Closing>(std::span<const session::Segment> now, UnixSeconds at)>;
    /// Ends grants of a live session: with its last one the peer first, then the books, with what is owed for them.
    /// While it decides, nothing of the session changes. Errors: those of `decide`; not_found; session_ended; bad_step
    /// (renewed meanwhile); device_unavailable (nothing is booked); store_unavailable.
    Result<std::vector<store::RefundId>> close(std::int64_t session, const Decide& decide);

    // ---- for the buyer and for health ------------------------------------------------------------------------------
    /// Counts anew first, if that was longer than 5 s ago. Errors: not_found; store_unavailable.
    Result<protocol::SessionView> view(std::string_view session_id);
    std::size_t live() const;

    // ---- for the operator who looks on -----------------------------------------------------------------------------
    /// All bytes counted since the start of this process; they are counted every 5 to 60 s.
    wg::Traffic carried() const;
    /// One session, without anything that says whose it is.
    struct Busy {
        std::int64_t session = 0; // row
        std::optional<UnixSeconds> expires_at = {};
        std::optional<std::uint64_t> bytes_left = {}; // none: sold by time
        wg::Traffic per_second = {};                  // between the last two counts
        std::optional<Seconds> last_handshake_age = {};
    };
    /// The `most` with the most traffic, those with as much by the end of their time. Counts anew first, if that was
    /// longer than 5 s ago.
    std::vector<Busy> busiest(std::size_t most);
    /// Of all sessions, between the last two counts.
    wg::Traffic per_second() const;

    // ---- in the background -----------------------------------------------------------------------------------------
    /// Does all that is due, and says how long until the next.
    Milliseconds step();
    /// Ends what is over by time.
    void expire_due();
    /// Counts bytes, and ends what is over by data.
    void account();
    /// What is known now of these sessions, as rows; those that are not live are left out.
    struct Seen {
        std::vector<session::Segment> segments;
        std::optional<Seconds> last_handshake_age; // none: never
    };
    std::map<std::int64_t, Seen> seen(std::span<const std::int64_t> sessions) const;
    /// Has the keeper look after the interface; puts peers that are missing; removes ours that have no grant; learns
    /// which are others'.
    void reconcile();
    /// Writes usage that is only in memory yet. At the end of the process too.
    void save_usage();

private:
    struct Live {
        store::SessionAt at;
        std::string id;
        std::vector<wg::HostAddress> addresses;
        std::optional<protocol::WireguardSecret> preshared_key;
        std::vector<session::Segment> segments;
        std::uint64_t received = 0;
        std::uint64_t sent = 0;
        std::optional<UnixSeconds> last_handshake;
        bool unsaved = false;
        std::optional<SteadyTime> begun; // as a session of this process
        wg::Traffic per_second = {};     // between the last two counts
    };
    using Key = protocol::WireguardKey;

    Result<wg::DeviceStatus> look();
    bool has_wrong_key() const;
    void count_if_old();
    void put_in_books(const Key& key, Live live);
    void strike_from_books(const Key& key);
    Result<void> apply_in_batches(std::span<const wg::PeerChange> changes);
    /// As account(). Errors: device_absent, device_unavailable (nothing was counted).
    Result<void> count();
    Result<void> remove_peer(const Key& key);
    std::optional<Key> key_of(std::int64_t session) const; // with books_ held
    Error why_not_live(std::int64_t session);
    void end(const std::vector<Key>& keys); // with changes_ held alone, as the next two
    bool book_as_ended(std::span<const Key> keys);
    void save_what_is_unsaved();
    static store::SessionUsage usage_of(const Live& live);
    static wg::PeerPut peer_of(const Key& key, const Live& live);
    bool any_by_data() const;
    /// Where there is a keeper: before any packet of those peers may pass. Errors: device_unavailable.
    Result<void> set_speeds(std::span<const wg::PeerSpeed> speeds);
    Result<void> limit_first(payments::PurchaseId purchase, const Key& key, const store::Lease& lease);
    void follow_speeds(std::span<const wg::PeerSpeed> speeds);
    void keep_interface();
    void wipe();

    store::Store& store_;
    wg::Device& device_;
    wg::AddressPool& pool_;
    const Clock& clock_;
    Rng& rng_;
    const TunnelOptions options_;
    std::function<void()> wake_ = [] {};

    /// Shared while one peer is put and booked; alone while peers are removed or counted: so that nothing is removed
    /// that is just being sold. Taken before books_.
    std::shared_mutex changes_;
    std::array<std::mutex, 64> one_key_at_a_time_;
    /// Guards all below.
    mutable std::mutex books_;
    std::map<Key, Live> live_;
    std::map<std::string, Key, std::less<>> by_id_;
    std::set<std::pair<UnixSeconds, Key>> deadlines_;
    std::set<Key> others_;
    std::optional<Key> device_key_;
    bool usable_ = false;
    std::optional<std::string> told_; // what the log says is wrong with it; none: nothing yet, so that one absent from
                                      // the start is told
    bool kept_ = true;                // the keeper has all as it should be
    SteadyTime looked_at_;
    wg::UsageMeter meter_;
    wg::Traffic carried_;
    wg::Traffic per_second_;
    std::optional<SteadyTime> counted_at_;

    std::atomic<bool> reconcile_soon_ = false;
    SteadyTime next_account_;
    SteadyTime next_reconcile_;
    SteadyTime next_save_;
    SteadyTime next_rests_;
    SteadyTime next_wipe_;
};

} // namespace adit::app
