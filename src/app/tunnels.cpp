#include "app/tunnels.h"

#include "base/log.h"
#include "protocol/constants.h"

#include <algorithm>

namespace adit::app {

using protocol::WireguardKey;

namespace {

// How often each thing is looked at. Data is counted often enough that an overrun stays under 5 s at line rate.
constexpr Seconds kAccountDataEvery{5};
constexpr Seconds kAccountTimeEvery{60};
constexpr Seconds kSaveEvery{60};
constexpr Seconds kEndRestsEvery{10};
constexpr Seconds kWipeEvery{600};
constexpr Seconds kFreshEnough{5}; // for a buyer who looks at the session's page
constexpr std::size_t kChangesAtOnce = 1000;
constexpr std::size_t kEndsAtOnce = 250;
constexpr Milliseconds kDeadlineGrain{100}; // the wall clock has whole seconds only

std::vector<wg::HostAddress> addresses_of(const store::Lease& lease)
{
    std::vector<wg::HostAddress> addresses;
    for (const auto* text : {&lease.address, lease.address6 ? &*lease.address6 : nullptr}) {
        if (!text) continue;
        const auto address = wg::HostAddress::parse(*text);
        CHECK(address.has_value()); // our own text, from our own disk
        addresses.push_back(*address);
    }
    return addresses;
}

std::optional<protocol::WireguardSecret> copy_of(const std::optional<protocol::WireguardSecret>& secret)
{
    if (!secret) return std::nullopt;
    return secret->duplicate();
}

bool same_peer(const wg::PeerStatus& peer, std::vector<wg::HostAddress> addresses)
{
    std::vector<wg::HostAddress> there;
    for (const wg::AllowedIp& allowed : peer.allowed_ips) {
        const bool host_route = allowed.prefix == (allowed.address.family == wg::HostAddress::Family::v4 ? 32 : 128);
        if (!host_route) return false;
        there.push_back(allowed.address);
    }
    std::ranges::sort(there);
    std::ranges::sort(addresses);
    return there == addresses;
}

protocol::SessionView view_of(std::string_view status, std::span<const session::Segment> segments, UnixSeconds now)
{
    protocol::SessionView view;
    view.status = status;
    view.expires_at = session::expires_at(segments).value_or(now);
    view.data_quota_bytes = session::quota_bytes(segments);
    view.data_used_bytes = session::used_bytes(segments);
    view.time_left = std::max(Seconds(0), view.expires_at - now);
    if (view.data_quota_bytes)
        view.data_left_bytes = *view.data_quota_bytes - std::min(*view.data_quota_bytes, view.data_used_bytes);
    return view;
}

} // namespace

Tunnels::Tunnels(store::Store& store, wg::Device& device, wg::AddressPool& pool, const Clock& clock, Rng& rng,
                 TunnelOptions options)
    : store_(store), device_(device), pool_(pool), clock_(clock), rng_(rng), options_(options),
      looked_at_(clock.steady() - Seconds(60))
{
    const SteadyTime now = clock.steady();
    next_account_ = next_reconcile_ = next_rests_ = next_wipe_ = now;
    next_save_ = now + kSaveEvery;
}

Result<void> Tunnels::load()
{
    for (const auto& taken : TRY(store_.taken_addresses())) {
        const auto address = wg::HostAddress::parse(taken.address);
        CHECK(address.has_value());
        if (address->family != wg::HostAddress::Family::v4) continue; // goes with its IPv4 one
        // An address outside the subnet belongs to a session from before the subnet was changed: it keeps it. One that
        // rests is the pool's again when the store has forgotten whose it was.
        [[maybe_unused]] const auto held = pool_.hold(*address);
    }
    std::vector<store::LiveSession> sessions = TRY(store_.live_sessions());
    std::vector<wg::PeerSpeed> speeds;
    for (const store::LiveSession& entry : sessions)
        if (const auto mbps = session::max_mbps(entry.session.segments))
            speeds.push_back({addresses_of(entry.lease), mbps});
    TRY(set_speeds(speeds));
    const std::lock_guard lock(books_);
    for (store::LiveSession& entry : sessions) {
        CHECK(entry.session.client_key.has_value()); // wiped only after the end
        Live live{{entry.session.row, entry.session.revision},
                  std::move(entry.session.id),
                  addresses_of(entry.lease),
                  std::move(entry.lease.preshared_key),
                  std::move(entry.session.segments),
                  entry.session.last_received_bytes,
                  entry.session.last_sent_bytes,
                  std::nullopt,
                  false,
                  std::nullopt};
        meter_.remember(*entry.session.client_key, {live.received, live.sent});
        put_in_books(*entry.session.client_key, std::move(live));
    }
    return {};
}

// ---- for a purchase ------------------------------------------------------------------------------------------------

Result<store::Lease> Tunnels::candidate()
{
    const wg::TunnelAddress address = TRY(pool_.take());
    store::Lease lease{address.v4.text(), std::nullopt, std::nullopt};
    if (address.v6) lease.address6 = address.v6->text();
    if (options_.preshared_keys) lease.preshared_key = rng_.secret<32>();
    return lease;
}

Result<store::Lease> Tunnels::candidate_at(const store::Lease& promised)
{
    const auto address = wg::HostAddress::parse(promised.address);
    CHECK(address.has_value()); // our own text, from our own disk
    const auto held = pool_.hold(*address);
    // One outside the subnet is of before the subnet was changed: nobody else can have it.
    if (!held && held.error().reason == Reason::bad_step)
        return Error{Reason::no_ip_available, "the promised address is somebody else's now"};
    return store::Lease{promised.address, promised.address6, copy_of(promised.preshared_key)};
}

void Tunnels::give_back(const store::Lease& candidate)
{
    const auto v4 = wg::HostAddress::parse(candidate.address);
    CHECK(v4.has_value());
    pool_.give_back({*v4, std::nullopt}, clock_.now());
}

void Tunnels::let_rest(const store::Lease& candidate)
{
    const auto v4 = wg::HostAddress::parse(candidate.address);
    CHECK(v4.has_value());
    pool_.give_back({*v4, std::nullopt}, clock_.now() + protocol::kAddressRest);
}

std::vector<session::Segment> Tunnels::segments_of(const WireguardKey& key) const
{
    const std::lock_guard lock(books_);
    const auto place = live_.find(key);
    return place == live_.end() ? std::vector<session::Segment>{} : place->second.segments;
}

bool Tunnels::is_taken_by_others(const WireguardKey& key) const
{
    const auto own = server_key();
    const std::lock_guard lock(books_);
    return (own && key == *own) || (device_key_ && key == *device_key_) || others_.contains(key);
}

std::optional<WireguardKey> Tunnels::server_key() const
{
    if (options_.server_key) return options_.server_key;
    const std::lock_guard lock(books_);
    return device_key_;
}

bool Tunnels::device_usable()
{
    {
        const std::lock_guard lock(books_);
        if (usable_) return true;
        if (clock_.steady() - looked_at_ < Seconds(1)) return false;
    }
    [[maybe_unused]] const auto status = look();
    const std::lock_guard lock(books_);
    return usable_;
}

Result<store::Activated> Tunnels::activate(payments::PurchaseId purchase, const WireguardKey& key,
                                           const store::Lease& lease, const Joining& how)
{
    const std::shared_lock no_removals(changes_);
    const std::lock_guard one_at_a_time(one_key_at_a_time_[key.bytes()[0] % one_key_at_a_time_.size()]);
    std::vector<store::SessionUsage> usage;
    {
        const std::lock_guard lock(books_);
        if (has_wrong_key()) return Error{Reason::device_unavailable, "its key is not [wireguard].server_pubkey"};
        if (const auto place = live_.find(key); place != live_.end() && place->second.unsaved)
            usage.push_back(usage_of(place->second));
    }
    // The grant is added to what the store has, so that must be what was used until now.
    if (!usage.empty()) TRY(store_.save_usage(usage));

    Live live;
    live.addresses = addresses_of(lease);
    live.preshared_key = copy_of(lease.preshared_key);
    TRY(limit_first(purchase, key, lease));
    std::vector<wg::PeerChange> change;
    change.emplace_back(peer_of(key, live));
    if (const auto put = device_.apply(change); !put) {
        {
            const std::lock_guard lock(books_);
            usable_ = false;
        }
        if (options_.keeper != nullptr) {
            reconcile_soon_ = true; // the interface may be gone, and is ours to make
            wake_();
        }
        return put.error();
    }
    store::Activated activated = TRY(store_.mark_active(
        purchase, {how.session_id.value_or(encode_hex(rng_.bytes<16>())), clock_.now(), how.only_session, how.act}));

    live.at = {activated.session.row, activated.session.revision};
    live.id = activated.session.id;
    live.segments = activated.session.segments;
    {
        const std::lock_guard lock(books_);
        usable_ = kept_;
        if (const auto place = live_.find(key); place != live_.end()) {
            live.received = place->second.received;
            live.sent = place->second.sent;
            live.last_handshake = place->second.last_handshake;
            live.begun = place->second.begun;
        } else {
            live.begun = clock_.steady();
        }
        put_in_books(key, std::move(live));
    }
    // What ran until now may have ended in this very step.
    const std::vector<wg::PeerSpeed> speed{{addresses_of(lease), session::max_mbps(activated.session.segments)}};
    follow_speeds(speed);
    wake_();
    return activated;
}

Result<void> Tunnels::set_speeds(std::span<const wg::PeerSpeed> speeds)
{
    if (options_.keeper == nullptr || speeds.empty()) return {};
    return options_.keeper->set_speeds(speeds);
}

/// A peer that is there goes on as fast as the grant that runs; one that begins, as its first grant says.
Result<void> Tunnels::limit_first(payments::PurchaseId purchase, const WireguardKey& key, const store::Lease& lease)
{
    if (options_.keeper == nullptr) return {};
    const auto running = session::advance(segments_of(key), clock_.now(), 0).segments;
    const std::uint32_t mbps =
        running.empty() ? TRY(store_.purchase(purchase)).grant.max_mbps : session::max_mbps(running);
    const std::vector<wg::PeerSpeed> speed{{addresses_of(lease), mbps}};
    return set_speeds(speed);
}

Result<void> Tunnels::take_back(payments::PurchaseId purchase, const WireguardKey& key)
{
    const std::unique_lock alone(changes_);
    save_what_is_unsaved();
    const auto row = TRY(store_.purchase(purchase));
    const auto segments = segments_of(key);
    const UnixSeconds now = clock_.now();
    if (session::take_back(segments, row.grant, now).empty()) TRY(remove_peer(key));
    const auto left = TRY(store_.take_back(purchase, now));
    if (!left) return {};
    std::vector<wg::PeerSpeed> speed;
    {
        const std::lock_guard lock(books_);
        if (const auto place = live_.find(key); place != live_.end())
            speed.push_back({place->second.addresses, session::max_mbps(left->segments)});
    }
    follow_speeds(speed);
    const std::lock_guard lock(books_);
    const auto place = live_.find(key);
    if (place == live_.end()) return {};
    if (left->segments.empty()) {
        meter_.forget(key);
        strike_from_books(key);
        return {};
    }
    if (const auto before = session::next_deadline(place->second.segments)) deadlines_.erase({*before, key});
    place->second.at.revision = left->revision;
    place->second.segments = left->segments;
    if (const auto after = session::next_deadline(left->segments)) deadlines_.emplace(*after, key);
    return {};
}

Result<void> Tunnels::remove_peer(const WireguardKey& key)
{
    std::vector<wg::PeerChange> change;
    change.emplace_back(wg::PeerRemove{key});
    const auto removed = device_.apply(change);
    if (!removed && removed.error().reason != Reason::device_absent) return removed.error();
    return {};
}

std::optional<WireguardKey> Tunnels::key_of(std::int64_t session) const
{
    for (const auto& [key, live] : live_)
        if (live.at.session == session) return key;
    return std::nullopt;
}

Error Tunnels::why_not_live(std::int64_t session)
{
    const auto found = store_.session_at(session);
    if (!found) return found.error();
    if (!*found) return {Reason::not_found, "there is no session " + std::to_string(session)};
    if (!(*found)->ended_at) return {Reason::bad_step, "it begins at this moment"};
    return {Reason::session_ended, "session " + std::to_string(session) + " is over since " +
                                       to_iso8601(*(*found)->ended_at) + "; nothing was changed"};
}

// ---- before its time -----------------------------------------------------------------------------------------------

Result<void> Tunnels::revoke(std::int64_t session, const store::Act& act)
{
    account();
    const std::unique_lock alone(changes_);
    for (const store::SessionGrant& grant : TRY(store_.grants_of(session)))
        if (grant.state == session::State::live || grant.state == session::State::settling)
            return Error{Reason::bad_step, "a payment for it is being settled at this moment: try again"};
    std::optional<WireguardKey> key;
    store::SessionUsage usage;
    std::vector<wg::PeerSpeed> unlimited;
    {
        const std::lock_guard lock(books_);
        key = key_of(session);
        if (key) {
            const Live& live = live_.at(*key);
            usage = usage_of(live);
            if (session::max_mbps(live.segments) != 0) unlimited.push_back({live.addresses, 0});
        }
    }
    if (!key) return why_not_live(session);
    TRY(remove_peer(*key));
    if (const auto revoked = store_.revoke_session(usage, act); !revoked) {
        reconcile_soon_ = true; // puts the peer back
        wake_();
        return revoked.error();
    }
    {
        const std::lock_guard lock(books_);
        meter_.forget(*key);
        strike_from_books(*key);
    }
    follow_speeds(unlimited);
    return {};
}

Result<std::vector<store::RefundId>> Tunnels::close(std::int64_t session, const Decide& decide)
{
    // Without an interface no bytes pass any more, and what passed before it went was counted as it could be.
    if (const auto counted = count(); !counted && counted.error().reason != Reason::device_absent)
        return counted.error();
    const std::unique_lock alone(changes_);
    const UnixSeconds now = clock_.now();
    std::optional<WireguardKey> key;
    store::SessionUsage usage;
    {
        const std::lock_guard lock(books_);
        key = key_of(session);
        if (key) usage = usage_of(live_.at(*key));
    }
    if (!key) return why_not_live(session);
    store::Closing closing = TRY(decide(session::advance(usage.segments, now, 0).segments, now));
    closing.session = session;
    closing.revision = usage.at.revision;
    closing.last_received_bytes = usage.last_received_bytes;
    closing.last_sent_bytes = usage.last_sent_bytes;
    const bool over = closing.left.empty();
    if (over) TRY(remove_peer(*key));
    auto refunds = store_.close_grants(closing, now);
    if (!refunds) {
        reconcile_soon_ = over; // puts the peer back, where the session goes on
        if (over) wake_();
        return refunds;
    }
    std::vector<wg::PeerSpeed> speed;
    {
        const std::lock_guard lock(books_);
        Live& live = live_.at(*key);
        speed.push_back({live.addresses, session::max_mbps(closing.left)});
        if (over) {
            meter_.forget(*key);
            strike_from_books(*key);
        } else {
            if (const auto before = session::next_deadline(live.segments)) deadlines_.erase({*before, *key});
            live.at.revision = closing.revision + 1;
            live.segments = closing.left;
            live.unsaved = false;
            if (const auto after = session::next_deadline(live.segments)) deadlines_.emplace(*after, *key);
        }
    }
    follow_speeds(speed);
    wake_();
    return refunds;
}

std::map<std::int64_t, Tunnels::Seen> Tunnels::seen(std::span<const std::int64_t> sessions) const
{
    std::map<std::int64_t, Seen> found;
    const std::set<std::int64_t> wanted(sessions.begin(), sessions.end());
    const UnixSeconds now = clock_.now();
    const std::lock_guard lock(books_);
    for (const auto& [key, live] : live_) {
        if (!wanted.contains(live.at.session)) continue;
        Seen each{live.segments, std::nullopt};
        if (live.last_handshake) each.last_handshake_age = now - *live.last_handshake;
        found.emplace(live.at.session, std::move(each));
    }
    return found;
}

Result<void> Tunnels::confirm_gone(const WireguardKey& key)
{
    const std::unique_lock alone(changes_);
    {
        const std::lock_guard lock(books_);
        if (live_.contains(key)) return {}; // its peer is another grant's, and rightly there
    }
    std::vector<wg::PeerChange> change;
    change.emplace_back(wg::PeerRemove{key});
    const auto removed = device_.apply(change);
    if (removed || removed.error().reason == Reason::device_absent) return {};
    const auto status = device_.status();
    if (!status) {
        if (status.error().reason == Reason::device_absent) return {};
        return status.error();
    }
    if (std::ranges::any_of(status->peers, [&](const wg::PeerStatus& peer) { return peer.key == key; }))
        return removed.error();
    return {};
}

// ---- for the buyer and for health ----------------------------------------------------------------------------------

Result<protocol::SessionView> Tunnels::view(std::string_view session_id)
{
    // Only who has a session can make us look, and that once in a while for all of them together.
    const bool old = [&] {
        const std::lock_guard lock(books_);
        return by_id_.contains(session_id) && clock_.steady() - looked_at_ >= kFreshEnough;
    }();
    if (old) account();
    {
        const std::lock_guard lock(books_);
        if (const auto place = by_id_.find(session_id); place != by_id_.end()) {
            const Live& live = live_.at(place->second);
            protocol::SessionView view = view_of("active", live.segments, clock_.now());
            if (live.last_handshake) view.last_handshake_age = clock_.now() - *live.last_handshake;
            return view;
        }
    }
    const auto session = TRY(store_.session_by_id(session_id));
    if (!session) {
        // A config from an invoice names its session before that begins.
        if (!TRY(store_.promises_session(session_id))) return Error{Reason::not_found, "no such session"};
        return view_of("waiting", {}, clock_.now());
    }
    // Live in the store and not in the books: it is being activated at this moment.
    if (session->live) return view_of("active", session->segments, clock_.now());
    const UnixSeconds ended = session->ended_at.value_or(session->created_at);
    protocol::SessionView view = view_of("ended", session->segments, ended);
    view.expires_at = std::min(view.expires_at, ended); // its data was used up, or it was closed before its time
    view.time_left = Seconds(0);
    if (view.data_left_bytes) view.data_left_bytes = 0;
    return view;
}

std::size_t Tunnels::live() const
{
    const std::lock_guard lock(books_);
    return live_.size();
}

// ---- for the operator who looks on ---------------------------------------------------------------------------------

wg::Traffic Tunnels::carried() const
{
    const std::lock_guard lock(books_);
    return carried_;
}

wg::Traffic Tunnels::per_second() const
{
    const std::lock_guard lock(books_);
    return per_second_;
}

void Tunnels::count_if_old()
{
    const bool old = [&] {
        const std::lock_guard lock(books_);
        return !counted_at_ || clock_.steady() - *counted_at_ >= kFreshEnough;
    }();
    if (old) account();
}

std::vector<Tunnels::Busy> Tunnels::busiest(std::size_t most)
{
    count_if_old();
    std::vector<Busy> all;
    {
        const std::lock_guard lock(books_);
        all.reserve(live_.size());
        for (const auto& [key, live] : live_) {
            Busy& busy = all.emplace_back();
            busy.session = live.at.session;
            busy.expires_at = session::expires_at(live.segments);
            busy.bytes_left = session::bytes_left(live.segments);
            busy.per_second = live.per_second;
            if (live.last_handshake) busy.last_handshake_age = clock_.now() - *live.last_handshake;
        }
    }
    const auto before = [](const Busy& a, const Busy& b) {
        const auto order = [](const Busy& busy) {
            return std::tuple(~(busy.per_second.received + busy.per_second.sent), busy.expires_at, busy.session);
        };
        return order(a) < order(b);
    };
    const std::size_t count = std::min(most, all.size());
    std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(count), before);
    all.resize(count);
    return all;
}

// ---- the books, in memory ------------------------------------------------------------------------------------------

void Tunnels::put_in_books(const WireguardKey& key, Live live)
{
    strike_from_books(key);
    if (const auto deadline = session::next_deadline(live.segments)) deadlines_.emplace(*deadline, key);
    by_id_.emplace(live.id, key);
    live_.emplace(key, std::move(live));
}

void Tunnels::strike_from_books(const WireguardKey& key)
{
    const auto place = live_.find(key);
    if (place == live_.end()) return;
    if (const auto deadline = session::next_deadline(place->second.segments)) deadlines_.erase({*deadline, key});
    by_id_.erase(place->second.id);
    live_.erase(place);
}

store::SessionUsage Tunnels::usage_of(const Live& live) { return {live.at, live.segments, live.received, live.sent}; }

wg::PeerPut Tunnels::peer_of(const WireguardKey& key, const Live& live)
{
    return {key, live.addresses, copy_of(live.preshared_key)};
}

bool Tunnels::any_by_data() const
{
    const std::lock_guard lock(books_);
    return std::ranges::any_of(
        live_, [](const auto& entry) { return session::bytes_left(entry.second.segments).has_value(); });
}

// ---- in the background ---------------------------------------------------------------------------------------------

Result<wg::DeviceStatus> Tunnels::look()
{
    auto status = device_.status();
    const std::lock_guard lock(books_);
    looked_at_ = clock_.steady();
    if (status) device_key_ = status->public_key;
    const std::string trouble = !status           ? status.error().detail
                                : !kept_          ? "the interface or its packet filter is not as it should be"
                                : !device_key_    ? "it has no private key"
                                : has_wrong_key() ? "its public key is " + device_key_->base64() +
                                                        ", and buyers would be given [wireguard].server_pubkey"
                                                  : "";
    usable_ = trouble.empty();
    if (std::exchange(told_, trouble) != trouble) {
        if (usable_)
            log_info("device_usable", {{"peers", status->peers.size()}});
        else
            log_error("device_not_usable", {{"detail", trouble}});
    }
    return status;
}

/// With books_ held. Nobody who has a config of ours gets through to it.
bool Tunnels::has_wrong_key() const
{
    return options_.server_key && device_key_ && *device_key_ != *options_.server_key;
}

/// A userspace device takes more than its 2 s for ten thousand peers at once.
Result<void> Tunnels::apply_in_batches(std::span<const wg::PeerChange> changes)
{
    while (!changes.empty()) {
        const std::size_t count = std::min(kChangesAtOnce, changes.size());
        TRY(device_.apply(changes.first(count)));
        changes = changes.subspan(count);
    }
    return {};
}

/// Peers first, then the books: if we die in between, the next start finds the session over and does it again.
void Tunnels::end(const std::vector<WireguardKey>& keys)
{
    if (keys.empty()) return;
    std::vector<wg::PeerChange> removals;
    removals.reserve(keys.size());
    for (const WireguardKey& key : keys) removals.emplace_back(wg::PeerRemove{key});
    const auto removed = apply_in_batches(removals);
    if (!removed && removed.error().reason != Reason::device_absent) {
        log_error("peers_not_removed", {{"peers", keys.size()}, {"detail", removed.error().detail}});
        return; // still in the books, so tried again
    }
    // In parts: one step on thousands of rows would keep sales from the store for long.
    const std::span all(keys);
    for (std::size_t first = 0; first < all.size(); first += kEndsAtOnce)
        if (!book_as_ended(all.subspan(first, std::min(kEndsAtOnce, all.size() - first)))) return;
    log_info("sessions_ended", {{"sessions", keys.size()}});
}

bool Tunnels::book_as_ended(std::span<const WireguardKey> keys)
{
    std::vector<store::SessionAt> sessions;
    std::vector<store::SessionUsage> usage;
    {
        const std::lock_guard lock(books_);
        for (const WireguardKey& key : keys) {
            const Live& live = live_.at(key);
            sessions.push_back(live.at);
            if (live.unsaved) usage.push_back(usage_of(live));
        }
    }
    auto ended = store_.save_usage(usage);
    if (ended) ended = store_.end_sessions(sessions, clock_.now());
    if (!ended) {
        log_error("sessions_not_booked_as_ended", {{"sessions", sessions.size()}, {"detail", ended.error().detail}});
        return false;
    }
    std::vector<wg::PeerSpeed> unlimited;
    {
        const std::lock_guard lock(books_);
        for (const WireguardKey& key : keys) {
            const Live& live = live_.at(key);
            if (session::max_mbps(live.segments) != 0) unlimited.push_back({live.addresses, 0});
            meter_.forget(key);
            strike_from_books(key);
        }
    }
    // No packet of theirs passes any more: a limit that stays behind is set anew for whoever gets the address.
    follow_speeds(unlimited);
    return true;
}

void Tunnels::expire_due()
{
    const std::unique_lock alone(changes_);
    const UnixSeconds now = clock_.now();
    std::vector<WireguardKey> over;
    std::vector<wg::PeerSpeed> speeds;
    {
        const std::lock_guard lock(books_);
        std::vector<WireguardKey> due;
        for (const auto& [deadline, key] : deadlines_) {
            if (deadline > now) break;
            due.push_back(key);
        }
        for (const WireguardKey& key : due) {
            Live live = std::move(live_.at(key));
            // The books are struck with the old deadline, and written anew with the next segment's.
            const auto advanced = session::advance(live.segments, now, 0);
            if (advanced.running == session::Running::over) {
                live_.at(key) = std::move(live);
                over.push_back(key);
                continue;
            }
            const auto before = session::next_deadline(live.segments);
            if (before) deadlines_.erase({*before, key});
            if (session::max_mbps(live.segments) != session::max_mbps(advanced.segments))
                speeds.push_back({live.addresses, session::max_mbps(advanced.segments)});
            live.segments = advanced.segments;
            live.unsaved = true;
            if (const auto next = session::next_deadline(live.segments)) deadlines_.emplace(*next, key);
            live_.at(key) = std::move(live);
        }
    }
    follow_speeds(speeds);
    end(over);
}

void Tunnels::follow_speeds(std::span<const wg::PeerSpeed> speeds)
{
    if (const auto set = set_speeds(speeds); !set) // remembered by the keeper, and set when it has a filter again
        log_error("speeds_not_set", {{"peers", speeds.size()}, {"detail", set.error().detail}});
}

void Tunnels::account()
{
    // look() tells when the device is not usable, and the next pass counts what this one could not.
    [[maybe_unused]] const auto counted = count();
}

Result<void> Tunnels::count()
{
    const SteadyTime asked = clock_.steady();
    const auto status = look();
    if (!status) return status.error();
    const std::unique_lock alone(changes_);
    const UnixSeconds now = clock_.now();
    std::vector<WireguardKey> over;
    std::vector<wg::PeerSpeed> speeds;
    bool by_data = false;
    {
        const std::lock_guard lock(books_);
        const auto since =
            counted_at_ ? std::chrono::duration_cast<Milliseconds>(asked - *counted_at_) : Milliseconds(0);
        const auto rate_of = [&](const wg::Traffic& added) {
            const auto ms = static_cast<std::uint64_t>(since.count());
            return ms == 0 ? wg::Traffic{} : wg::Traffic{added.received * 1000 / ms, added.sent * 1000 / ms};
        };
        counted_at_ = asked;
        wg::Traffic all;
        for (auto& [key, live] : live_) live.per_second = {};
        for (const wg::PeerStatus& peer : status->peers)
            if (const auto place = live_.find(peer.key); place != live_.end())
                place->second.last_handshake = peer.last_handshake;
        for (const wg::UsageMeter::Step& step : meter_.read(status->peers)) {
            const auto place = live_.find(step.key);
            if (place == live_.end()) continue;
            Live& live = place->second;
            // Sold since the device was asked: it spoke of an older peer of this key, whose bytes are another's.
            if (live.begun && *live.begun > asked) continue;
            live.received = step.counters.received;
            live.sent = step.counters.sent;
            live.per_second = rate_of(step.added);
            all.received += step.added.received;
            all.sent += step.added.sent;
            const std::uint64_t used = step.added.received + step.added.sent;
            live.unsaved = true;
            by_data = by_data || session::bytes_left(live.segments).has_value();
            const auto advanced = session::advance(live.segments, now, used);
            if (advanced.running == session::Running::over) {
                // For the books, and for the buyer who looks at them afterwards.
                live.segments.front().used_bytes += used;
                over.push_back(step.key);
                continue;
            }
            if (session::max_mbps(live.segments) != session::max_mbps(advanced.segments))
                speeds.push_back({live.addresses, session::max_mbps(advanced.segments)});
            const auto before = session::next_deadline(live.segments);
            const auto after = session::next_deadline(advanced.segments);
            if (before != after) {
                if (before) deadlines_.erase({*before, step.key});
                if (after) deadlines_.emplace(*after, step.key);
            }
            live.segments = advanced.segments;
        }
        per_second_ = rate_of(all);
        carried_.received += all.received;
        carried_.sent += all.sent;
    }
    follow_speeds(speeds);
    end(over);
    if (by_data) save_what_is_unsaved();
    return {};
}

void Tunnels::keep_interface()
{
    if (options_.keeper == nullptr) return;
    const auto kept = options_.keeper->keep();
    const std::lock_guard lock(books_);
    if (!kept) log_error("interface_not_kept", {{"detail", kept.error().detail}});
    kept_ = kept.has_value();
}

void Tunnels::reconcile()
{
    keep_interface();
    const auto status = look();
    if (!status) return;
    const std::unique_lock alone(changes_);
    std::map<WireguardKey, const wg::PeerStatus*> there;
    for (const wg::PeerStatus& peer : status->peers) there.emplace(peer.key, &peer);

    std::vector<wg::PeerChange> changes;
    std::vector<WireguardKey> strangers; // not live, and not yet known to be others'
    std::set<WireguardKey> others;
    std::size_t missing = 0;
    {
        const std::lock_guard lock(books_);
        for (const auto& [key, live] : live_) {
            const auto place = there.find(key);
            if (place != there.end() && same_peer(*place->second, live.addresses)) continue;
            changes.emplace_back(peer_of(key, live));
            ++missing;
        }
        for (const auto& [key, peer] : there) {
            if (live_.contains(key)) continue;
            if (others_.contains(key))
                others.insert(key);
            else
                strangers.push_back(key);
        }
    }
    std::size_t over = 0;
    if (!strangers.empty()) {
        const auto ours = store_.ours(strangers);
        if (!ours) return;
        std::set<WireguardKey> mine(ours->begin(), ours->end());
        for (const WireguardKey& key : strangers) {
            if (mine.contains(key)) {
                changes.emplace_back(wg::PeerRemove{key});
                ++over;
            } else {
                others.insert(key);
            }
        }
    }
    std::vector<wg::AllowedIp> foreign;
    for (const WireguardKey& key : others)
        foreign.insert(foreign.end(), there.at(key)->allowed_ips.begin(), there.at(key)->allowed_ips.end());
    pool_.set_foreign(foreign);
    {
        const std::lock_guard lock(books_);
        others_ = std::move(others);
    }
    if (changes.empty()) return;
    if (const auto applied = apply_in_batches(changes); !applied)
        log_error("reconcile_failed", {{"detail", applied.error().detail}});
    else
        log_info("reconciled", {{"put", missing}, {"removed", over}});
}

void Tunnels::save_usage()
{
    const std::unique_lock alone(changes_);
    save_what_is_unsaved();
}

void Tunnels::save_what_is_unsaved()
{
    std::vector<store::SessionUsage> usage;
    const std::lock_guard lock(books_);
    for (const auto& [key, live] : live_)
        if (live.unsaved) usage.push_back(usage_of(live));
    if (usage.empty()) return;
    if (const auto saved = store_.save_usage(usage); !saved) {
        log_error("usage_not_saved", {{"detail", saved.error().detail}});
        return;
    }
    for (auto& [key, live] : live_) live.unsaved = false;
}

void Tunnels::wipe()
{
    const UnixSeconds now = clock_.now();
    if (const auto wiped = store_.wipe_ended(now - options_.retention); wiped && *wiped > 0)
        log_info("client_keys_wiped", {{"sessions", *wiped}});
    if (const auto lapsed = store_.lapse_unclaimed(now - protocol::kClaimable); lapsed && *lapsed > 0)
        log_warn("paid_purchases_never_claimed", {{"purchases", *lapsed}});
}

Milliseconds Tunnels::step()
{
    const SteadyTime now = clock_.steady();
    const auto due = [&](SteadyTime& next, Seconds every) {
        if (now < next) return false;
        next = now + every;
        return true;
    };
    expire_due();
    if (due(next_reconcile_, protocol::kReconcileEvery) || reconcile_soon_.exchange(false)) reconcile();
    const Seconds account_every = any_by_data() ? kAccountDataEvery : kAccountTimeEvery;
    next_account_ = std::min(next_account_, now + account_every); // data may have been sold since it was set
    if (due(next_account_, account_every)) account();
    if (due(next_save_, kSaveEvery)) save_usage();
    if (due(next_rests_, kEndRestsEvery)) {
        if (const auto rested = store_.end_rests(clock_.now())) {
            for (const std::string& text : *rested)
                if (const auto address = wg::HostAddress::parse(text);
                    address && address->family == wg::HostAddress::Family::v4)
                    pool_.give_back({*address, {}}, clock_.now());
        }
    }
    if (due(next_wipe_, kWipeEvery)) wipe();

    const SteadyTime next = std::min({next_reconcile_, next_account_, next_save_, next_rests_, next_wipe_});
    Milliseconds pause = std::chrono::ceil<Milliseconds>(next - clock_.steady());
    {
        const std::lock_guard lock(books_);
        if (!deadlines_.empty()) {
            const Seconds left = deadlines_.begin()->first - clock_.now();
            const Milliseconds until = left > Seconds(1) ? Milliseconds(left) - Seconds(1) : kDeadlineGrain;
            pause = std::min(pause, until);
        }
    }
    return std::max(pause, Milliseconds(0));
}

} // namespace adit::app
