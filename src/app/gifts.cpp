#include "app/gifts.h"

#include "base/log.h"
#include "protocol/constants.h"
#include "session/tier.h"

#include <algorithm>

namespace adit::app {

namespace {

constexpr const char* kForNothing = "0"; // as the amount of a price tag

std::uint32_t speed_of_last(std::span<const session::Segment> segments, session::GrantClass cls)
{
    for (std::size_t i = segments.size(); i-- > 0;)
        if (segments[i].cls == cls) return segments[i].max_mbps;
    return 0;
}

} // namespace

Result<void> Gifts::load()
{
    const std::size_t unfinished = TRY(parts_.store.take_unfinished_gifts_back());
    if (unfinished > 0) log_warn("gifts_not_put_up", {{"grants", unfinished}});
    return {};
}

Result<Given> Gifts::grant(const protocol::WireguardKey& key, const Gift& gift)
{
    if (parts_.tunnels.is_taken_by_others(key))
        return Error{Reason::bad_request, "that key is the device's own, or a peer's that adit did not make"};
    return give(key, gift, std::nullopt);
}

Result<Given> Gifts::extend(std::int64_t session, const Gift& gift)
{
    const auto live = TRY(parts_.store.live_session_at(session));
    if (!live) {
        const auto known = TRY(parts_.store.session_at(session));
        if (!known) return Error{Reason::not_found, "there is no session " + std::to_string(session)};
        return Error{Reason::session_ended,
                     "session " + std::to_string(session) + " is over; `adit grant` begins another one for its key"};
    }
    CHECK(live->session.client_key.has_value()); // wiped only after the end
    return give(*live->session.client_key, gift, session);
}

Result<Given> Gifts::give(const protocol::WireguardKey& key, const Gift& gift, std::optional<std::int64_t> only_session)
{
    auto size = session::grant_of(gift.unit, gift.quantity);
    if (!size || size->amount == 0) return Error{Reason::bad_request, "that is no amount to be given"};
    const auto held = parts_.tunnels.segments_of(key);
    size->max_mbps = gift.max_mbps.value_or(speed_of_last(held, size->cls));
    const UnixSeconds now = parts_.clock.now();
    if (size->amount > session::room_for(held, size->cls, now, size->max_mbps))
        return Error{Reason::above_max_purchase, "a session holds at most 5 years and 2^60 bytes"};
    if (!parts_.tunnels.device_usable())
        return Error{Reason::policy, "the WireGuard device can not be used, see `adit check`"};

    const store::NewPurchase purchase{
        .method = session::Method::given,
        .client_key = key,
        .listing = parts_.shop.config.listing.d_tag,
        .tier_amount = kForNothing,
        .tier_unit = std::string(protocol::unit_word(gift.unit)),
        .quantity = gift.quantity,
        .grant = *size,
        .now = now,
    };
    const auto candidate = parts_.tunnels.candidate(); // none is no refusal yet: the key may have an address
    auto reserved = parts_.store.give(purchase, candidate ? &*candidate : nullptr);
    if (candidate && !(reserved && reserved->used_candidate)) parts_.tunnels.give_back(*candidate);
    if (!reserved && reserved.error().reason == Reason::no_ip_available)
        return Error{Reason::no_ip_available, "every address is in use"};
    if (!reserved) return reserved.error();

    const store::Act act{.kind = only_session ? store::ActKind::extended : store::ActKind::granted,
                         .at = now,
                         .amount = Sat{},
                         .note = gift.note};
    auto activated =
        parts_.tunnels.activate(reserved->purchase, key, reserved->lease, {.only_session = only_session, .act = act});
    if (!activated) {
        // Where this fails too, the next start does it. A peer that was put goes with the next reconcile.
        [[maybe_unused]] const auto undone = parts_.store.take_gift_back(reserved->purchase);
        if (activated.error().reason == Reason::bad_step)
            return Error{Reason::session_ended, "the session ended at this moment; nothing was given"};
        return activated.error();
    }
    log_info("grant_given", {{"purchase", number_of(reserved->purchase)},
                             {"session", activated->session.row},
                             {"quantity", gift.quantity}});
    return Given{reserved->purchase, std::move(*activated), std::move(reserved->lease)};
}

} // namespace adit::app
