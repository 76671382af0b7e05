#include "app/notifier.h"

#include "base/log.h"
#include "protocol/constants.h"
#include "protocol/json.h"
#include "protocol/kinds.h"
#include "protocol/nip59.h"
#include "protocol/relay_list.h"

#include <algorithm>
#include <charconv>

namespace adit::app {

namespace {

// Facts of the store.
constexpr std::string_view kFactHeartbeat = "notifications.heartbeat_at";
constexpr std::string_view kFactTroubleTold = "notifications.told";
constexpr std::string_view kFactInboxes = "notifications.inboxes";

constexpr Seconds kLookEvery{5};
constexpr Milliseconds kAskPatience{20'000};
constexpr Seconds kAskAgain{6 * 3600};
constexpr Seconds kAskAgainSoon{300};
constexpr Seconds kWaitForInboxes{30}; // with the first message
constexpr Milliseconds kDeliverWithin{3'600'000};
constexpr std::size_t kMostUnderWay = 128; // more than an hour's messages

std::optional<UnixSeconds> to_time(std::string_view text)
{
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return UnixSeconds(count);
}

std::vector<nostr::RelayUrl> inboxes_of(const protocol::Event& event)
{
    std::vector<nostr::RelayUrl> inboxes;
    const auto texts = protocol::parse_message_relays(event);
    if (!texts) return inboxes;
    for (const std::string& text : *texts)
        if (auto url = nostr::parse_relay_url(text)) inboxes.push_back(std::move(*url));
    return inboxes;
}

} // namespace

nostr::Reach reach_of_inboxes(std::span<const nostr::RelayUrl> configured)
{
    const bool own_world = std::ranges::any_of(configured, [](const nostr::RelayUrl& url) {
        const bool numeric =
            url.host.find_first_not_of("0123456789.") == std::string::npos || url.host.find(':') != std::string::npos;
        return url.host == "localhost" || (numeric && !nostr::is_public_address(url.host));
    });
    return own_world ? nostr::Reach::anywhere : nostr::Reach::public_only;
}

/// Written to by the loop's thread only, once it is on its way.
struct Notifier::Message {
    std::size_t open = 0; // relays that have not answered
    bool taken = false;
};

Notifier::Notifier(Parts parts)
    : parts_(std::move(parts)), recipient_(parts_.shop.config.notifications.recipient.value()),
      notices_(std::chrono::hours(parts_.shop.config.notifications.heartbeat_hours), std::nullopt)
{
}

Result<void> Notifier::load()
{
    const auto heartbeat = TRY(parts_.store.fact(kFactHeartbeat));
    const Seconds every = std::chrono::hours(parts_.shop.config.notifications.heartbeat_hours);
    notices_ = Notices(every, heartbeat ? to_time(*heartbeat) : std::nullopt);
    if (const auto told = TRY(parts_.store.fact(kFactTroubleTold))) notices_.watch().load(*told, parts_.clock.steady());
    if (const auto kept = TRY(parts_.store.fact(kFactInboxes))) {
        auto event = protocol::parse_event(*kept);
        if (event && event->pubkey == recipient_ && protocol::verify(*event)) {
            const std::lock_guard lock(mutex_);
            inboxes_ = inboxes_of(*event);
            inbox_event_ = std::move(*event);
        }
    }
    return {};
}

void Notifier::sold(const store::Purchase& purchase)
{
    const Sale sale{purchase.method, purchase.price, purchase.quantity, purchase.tier_unit};
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        first = sold_.count() == 0;
        sold_.add(sale);
    }
    if (first) wake_();
}

Milliseconds Notifier::step()
{
    const SteadyTime at = parts_.clock.steady();
    const UnixSeconds now = parts_.clock.now();
    if (!began_) began_ = at;
    take_in_sales(at);
    if (at >= next_look_) look(now, at);
    if (at >= next_ask_) ask_for_inboxes(at);
    keep_inboxes();
    if (knows_where_to() || at - *began_ >= kWaitForInboxes) {
        if (const Due due = notices_.take(now, at); due.any()) tell(due, now);
    }
    SteadyTime next = next_look_;
    if (const auto due = notices_.next()) next = std::min(next, *due);
    return std::max(std::chrono::ceil<Milliseconds>(next - at), Milliseconds(1));
}

void Notifier::take_in_sales(SteadyTime at)
{
    SalesSum sold;
    {
        const std::lock_guard lock(mutex_);
        sold = std::exchange(sold_, {});
    }
    notices_.sold(sold, at);
}

void Notifier::look(UnixSeconds now, SteadyTime at)
{
    next_look_ = at + kLookEvery;
    if (!notices_.look(parts_.symptoms(), now, at)) return;
    const auto kept = parts_.store.set_fact(kFactTroubleTold, notices_.watch().dump());
    if (!kept) log_debug("notifications_not_kept", {{"detail", kept.error().detail}});
}

bool Notifier::knows_where_to()
{
    const std::lock_guard lock(mutex_);
    return asked_ || inbox_event_.has_value();
}

// ---- where to ------------------------------------------------------------------------------------------------------

void Notifier::ask_for_inboxes(SteadyTime at)
{
    next_ask_ = at + kAskAgainSoon;
    protocol::Filter filter;
    filter.authors = {recipient_};
    filter.kinds = {protocol::kKindDmRelays};
    parts_.relays.fetch_async({filter}, kAskPatience,
                              [this](const nostr::FetchResult& answer) { found_inboxes(answer); });
}

void Notifier::found_inboxes(const nostr::FetchResult& answer)
{
    const bool answered = std::ranges::any_of(
        answer.relays, [](const nostr::RelayCoverage& relay) { return relay.coverage == nostr::Coverage::complete; });
    bool none = false;
    {
        const std::lock_guard lock(mutex_);
        for (const protocol::Event& event : answer.events) {
            if (inbox_event_ && !protocol::supersedes(event, *inbox_event_)) continue;
            inbox_event_ = event;
            inbox_event_is_new_ = true;
            inboxes_ = inboxes_of(event);
        }
        asked_ = asked_ || answered;
        answered_ = answered_ || answered;
        none = answered && inboxes_.empty() && !std::exchange(said_no_inboxes_, true);
    }
    if (none) log_info("notifications_go_to_own_relays_only");
    wake_();
}

void Notifier::keep_inboxes()
{
    std::optional<protocol::Event> event;
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(answered_, false)) next_ask_ = parts_.clock.steady() + kAskAgain;
        if (std::exchange(inbox_event_is_new_, false)) event = inbox_event_;
    }
    if (!event) return;
    const auto kept = parts_.store.set_fact(kFactInboxes, protocol::encode_event(*event));
    if (!kept) log_debug("notifications_not_kept", {{"detail", kept.error().detail}});
}

// ---- telling -------------------------------------------------------------------------------------------------------

void Notifier::tell(const Due& due, UnixSeconds now)
{
    if (due.heartbeat) {
        // Before it is sent: a restart in between must not send another one.
        const auto kept = parts_.store.set_fact(kFactHeartbeat, std::to_string(now.count()));
        if (!kept) log_debug("notifications_not_kept", {{"detail", kept.error().detail}});
    }
    if (under_way_ >= kMostUnderWay) {
        log_warn("notifications_dropped", {{"under_way", under_way_.load()}});
        return;
    }
    const Config& config = parts_.shop.config;
    protocol::EventDraft draft =
        protocol::direct_message(std::span(&recipient_, 1), message_text(due, parts_.shop_now(), now), now);
    draft.tags.push_back({"subject", config.listing.title + " (" + config.listing.d_tag + ")"});
    const protocol::Rumor rumor = protocol::make_rumor(parts_.shop.operator_key, std::move(draft));
    const auto wrap = protocol::seal_and_wrap(rumor, config.nostr.key, recipient_, now, parts_.rng);
    if (!wrap) {
        log_warn("notification_not_made", {{"detail", wrap.error().detail}});
        return;
    }
    send(*wrap);
}

void Notifier::send(const protocol::Event& wrap)
{
    std::vector<nostr::RelayUrl> others;
    std::vector<std::string> own;
    for (const nostr::RelayStatus& relay : parts_.relays.status()) own.push_back(relay.url);
    {
        const std::lock_guard lock(mutex_);
        for (const nostr::RelayUrl& inbox : inboxes_)
            if (std::ranges::find(own, inbox.text) == own.end()) others.push_back(inbox);
    }
    const auto message = std::make_shared<Message>(); // shared by the answers of its relays
    message->open = own.size() + others.size();
    if (message->open == 0) return;
    ++under_way_;
    const nostr::RelayPool::Published back = [this, message](const std::string& relay,
                                                             const nostr::PublishOutcome& outcome) {
        came_back(*message, relay, outcome);
    };
    parts_.relays.publish(wrap, kDeliverWithin, back);
    for (const nostr::RelayUrl& inbox : others) parts_.relays.deliver(inbox, parts_.reach, wrap, kDeliverWithin, back);
}

/// On the loop's thread.
void Notifier::came_back(Message& message, const std::string& relay, const nostr::PublishOutcome& outcome)
{
    bool news = false;
    switch (outcome.answer) {
    case nostr::Answer::accepted: {
        message.taken = true;
        const std::lock_guard lock(mutex_);
        refusing_.erase(relay);
        break;
    }
    case nostr::Answer::rejected: {
        const std::lock_guard lock(mutex_);
        news = refusing_.insert(relay).second;
        break;
    }
    case nostr::Answer::no_answer:
        break;
    }
    if (news) log_warn("notification_rejected", {{"relay", relay}, {"message", outcome.message}});
    if (--message.open > 0) return;
    --under_way_;
    if (!message.taken) log_warn("notification_not_taken");
}

} // namespace adit::app
