#include "app/publisher.h"

#include "base/log.h"
#include "protocol/constants.h"
#include "protocol/relay_list.h"

#include <algorithm>
#include <charconv>

namespace adit::app {

using protocol::Event;

namespace {

// Facts of the store.
constexpr std::string_view kFactListingAt = "listing.created_at";
constexpr std::string_view kFactFirstPublished = "listing.published_at";
constexpr std::string_view kFactRelayList = "relay_list";

constexpr Milliseconds kAskFor{20'000};
constexpr Milliseconds kAnswerWithin{60'000};
constexpr Milliseconds kPublisherIdle{60'000};
constexpr Milliseconds kLongestPublishPause{3'600'000};
constexpr std::size_t kOutboxAtOnce = 64;
constexpr Seconds kOutboxKeeps{90 * 86400}; // the store has the proofs themselves

/// A no that the same event will get again. NIP-01's prefixes, and NIP-42's
bool is_final(std::string_view message)
{
    static constexpr std::string_view kFinal[] = {
        "blocked:", "invalid:", "pow:", "restricted:", "duplicate:", "replaced:"};
    return std::ranges::any_of(kFinal, [&](std::string_view prefix) { return message.starts_with(prefix); });
}

std::optional<std::int64_t> to_number(std::string_view text)
{
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::int64_t> number_fact(store::Store& store, std::string_view name)
{
    const auto fact = store.fact(name);
    if (!fact || !*fact) return std::nullopt;
    return to_number(**fact);
}

} // namespace

Publisher::Publisher(Parts parts) : parts_(std::move(parts)) {}

void Publisher::begin()
{
    {
        const std::lock_guard lock(mutex_);
        latest_listing_ = std::max(latest_listing_, number_fact(parts_.store, kFactListingAt).value_or(0));
        if (const auto first = number_fact(parts_.store, kFactFirstPublished)) first_published_ = UnixSeconds(*first);
        // Where nothing is remembered, the relays are heard first.
        listing_due_ = latest_listing_ != 0;
        next_refresh_ = parts_.clock.steady() + protocol::kListingRefresh;
    }
    wake_();
    ask_for_newer();
}

/// A version that we did not make, and that is later than ours, is overwritten by one that is later still.
void Publisher::ask_for_newer()
{
    protocol::Filter filter;
    filter.authors = {parts_.shop.operator_key};
    filter.kinds = {protocol::kKindListing};
    filter.tags['d'] = {parts_.shop.config.listing.d_tag};
    parts_.relays.fetch_async(
        {filter}, kAskFor,
        [this](const nostr::FetchResult& found) {
            {
                const std::lock_guard lock(mutex_);
                listing_due_ = listing_due_ || !published_;
                for (const Event& event : found.events) {
                    if (event.created_at.count() > latest_listing_) {
                        latest_listing_ = event.created_at.count();
                        listing_due_ = true;
                    }
                    const auto listing = protocol::parse_listing(event);
                    if (!listing || !listing->listing.published_at) continue;
                    if (!first_published_ || *listing->listing.published_at < *first_published_)
                        first_published_ = listing->listing.published_at;
                }
            }
            wake_();
        },
        nostr::Patience::while_it_lasts);
}

void Publisher::listing_changed()
{
    {
        const std::lock_guard lock(mutex_);
        listing_due_ = true;
    }
    wake_();
}

std::optional<UnixSeconds> Publisher::listing_accepted_at() const
{
    const std::lock_guard lock(mutex_);
    return accepted_at_;
}

/// Always later than any version that we know of, so that no relay and no reader keeps an older one. NIP-01
Result<void> Publisher::publish_listing()
{
    protocol::Listing listing = parts_.shop.config.listing;
    listing.status = parts_.shop.paused ? protocol::ListingStatus::sold : protocol::ListingStatus::active;
    UnixSeconds created_at;
    {
        const std::lock_guard lock(mutex_);
        latest_listing_ = std::max(parts_.clock.now().count(), latest_listing_ + 1);
        created_at = UnixSeconds(latest_listing_);
        published_ = true;
        if (!first_published_) first_published_ = created_at;
        listing.published_at = first_published_;
    }
    TRY(parts_.store.set_fact(kFactListingAt, std::to_string(created_at.count())));
    TRY(parts_.store.set_fact(kFactFirstPublished, std::to_string(listing.published_at->count())));
    const Event event =
        protocol::sign_event(protocol::listing_draft(listing, created_at, parts_.shop.config.legacy_tag),
                             parts_.shop.config.nostr.key, parts_.rng);
    // Until the next refresh it waits for relays that are down: no outbox, since only the newest counts.
    parts_.relays.publish(event, protocol::kListingRefresh,
                          [this](const std::string& relay, const nostr::PublishOutcome& outcome) {
                              switch (outcome.answer) {
                              case nostr::Answer::accepted: {
                                  const std::lock_guard lock(mutex_);
                                  accepted_at_ = parts_.clock.now();
                                  break;
                              }
                              case nostr::Answer::rejected:
                                  log_warn("listing_rejected", {{"relay", relay}, {"message", outcome.message}});
                                  break;
                              case nostr::Answer::no_answer:
                                  log_warn("listing_not_answered", {{"relay", relay}});
                                  break;
                              }
                          });
    log_info("listing_published", {{"created_at", created_at.count()}, {"paused", parts_.shop.paused.load()}});
    return {};
}

/// Kind 10002, written anew only when the configured relays are others than before: the key may be a person's too.
Result<void> Publisher::publish_relay_list()
{
    std::vector<protocol::RelayEntry> entries;
    std::string all;
    for (const std::string& url : parts_.relay_urls) {
        entries.push_back({url, protocol::RelayUse::read_and_write});
        all += url + "\n";
    }
    if (entries.empty()) return {};
    const auto before = TRY(parts_.store.fact(kFactRelayList));
    if (before == all) return {};
    const Event event = protocol::sign_event(protocol::relay_list_draft(entries, parts_.clock.now()),
                                             parts_.shop.config.nostr.key, parts_.rng);
    TRY(parts_.store.put_outbox(std::vector<Event>{event}));
    return parts_.store.set_fact(kFactRelayList, all);
}

void Publisher::came_back(const protocol::EventId& event, const std::string& relay,
                          const nostr::PublishOutcome& outcome)
{
    switch (outcome.answer) {
    case nostr::Answer::accepted:
        break;
    case nostr::Answer::no_answer:
        // Some relays say nothing at all to what is too large for them.
        log_warn("outbox_event_not_answered", {{"relay", relay}});
        return; // tried again, with growing pauses
    case nostr::Answer::rejected:
        log_warn("outbox_event_rejected", {{"relay", relay}, {"message", outcome.message}});
        if (!is_final(outcome.message)) return;
        break;
    }
    {
        const std::lock_guard lock(mutex_);
        settled_.emplace(event, relay);
    }
    wake_();
}

void Publisher::send_outbox()
{
    std::set<std::pair<protocol::EventId, std::string>> settled;
    {
        const std::lock_guard lock(mutex_);
        settled.swap(settled_);
    }
    for (const auto& [event, relay] : settled)
        if (const auto written = parts_.store.settle_outbox(event, relay); !written) return;
    if (!settled.empty()) {
        if (const auto pruned = parts_.store.prune_outbox(parts_.relay_urls, parts_.clock.now() - kOutboxKeeps);
            !pruned)
            return;
    }

    // Each connected relay has a queue of its own, so that one which never answers holds up no other.
    std::map<protocol::EventId, std::string> waiting; // id to JSON
    for (const nostr::RelayStatus& relay : parts_.relays.status()) {
        if (!relay.connected) continue;
        const auto of_relay = parts_.store.outbox(std::vector{relay.url}, kOutboxAtOnce);
        if (!of_relay) return;
        for (const store::OutboxEvent& event : *of_relay) waiting.emplace(event.id, event.json);
    }
    const SteadyTime now = parts_.clock.steady();
    const std::lock_guard lock(mutex_);
    std::erase_if(tries_, [&](const auto& entry) { return !waiting.contains(entry.first); });
    for (const auto& [id, text] : waiting) {
        Try& trying = tries_[id];
        if (trying.next > now) continue;
        const auto event = protocol::parse_event(text);
        CHECK(event.has_value()); // our own text, from our own disk
        trying.next = now + kAnswerWithin + trying.pause;
        trying.pause = std::min(trying.pause * 2, kLongestPublishPause);
        parts_.relays.publish(*event, kAnswerWithin,
                              [this, id = id](const std::string& relay, const nostr::PublishOutcome& outcome) {
                                  came_back(id, relay, outcome);
                              });
    }
}

Milliseconds Publisher::step()
{
    bool due = false;
    bool refresh = false;
    {
        const std::lock_guard lock(mutex_);
        refresh = next_refresh_ && parts_.clock.steady() >= *next_refresh_;
        if (refresh) next_refresh_ = parts_.clock.steady() + protocol::kListingRefresh;
        due = refresh || listing_due_;
        listing_due_ = false;
    }
    if (due) {
        const auto published = publish_listing();
        if (!published) {
            log_error("listing_not_published", {{"detail", published.error().detail}});
            const std::lock_guard lock(mutex_);
            listing_due_ = true; // at the next step
        }
    }
    if (refresh) ask_for_newer();
    if (const auto told = publish_relay_list(); !told)
        log_error("relay_list_not_published", {{"detail", told.error().detail}});
    send_outbox();
    return kPublisherIdle;
}

} // namespace adit::app
