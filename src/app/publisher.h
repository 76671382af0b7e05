// app/publisher.h - what the operator says on Nostr: the listing, the relay list, and the outbox of what must arrive.
// spec: Nostr
#pragma once

#include "app/shop.h"
#include "nostr/relay_pool.h"
#include "store/store.h"

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>

namespace adit::app {

class Publisher {
public:
    struct Parts {
        Shop& shop;
        store::Store& store;
        nostr::RelayPool& relays;
        const Clock& clock;
        Rng& rng;
        std::vector<std::string> relay_urls; // normalised, as the pool names them
    };
    /// What is referred to must outlive it.
    explicit Publisher(Parts parts);

    /// Called when there is something to send, so that the background thread looks.
    void on_work(std::function<void()> wake) { wake_ = std::move(wake); }
    /// At start: asks the relays, in the background, for the listing they have, as step() does again every hour, so
    /// that ours is later than any.
    void begin();
    /// The listing changed (paused, resumed): it goes out soon.
    void listing_changed();
    /// Publishes what is due and sends the outbox. Says how long until the next time.
    Milliseconds step();
    /// When a relay last took the listing; none: never in this process.
    std::optional<UnixSeconds> listing_accepted_at() const;

private:
    struct Try {
        SteadyTime next;
        Milliseconds pause{60'000};
    };
    void ask_for_newer();
    Result<void> publish_listing();
    Result<void> publish_relay_list();
    void send_outbox();
    void came_back(const protocol::EventId& event, const std::string& relay, const nostr::PublishOutcome& outcome);

    const Parts parts_;
    std::function<void()> wake_ = [] {};
    mutable std::mutex mutex_;
    bool listing_due_ = false;
    bool published_ = false;          // in this process
    std::int64_t latest_listing_ = 0; // created_at of the newest that any relay has, or that we made
    std::optional<UnixSeconds> first_published_;
    std::optional<UnixSeconds> accepted_at_;
    std::set<std::pair<protocol::EventId, std::string>> settled_; // to be written to the store
    std::map<protocol::EventId, Try> tries_;                      // of the outbox: sent, not yet settled everywhere
    std::optional<SteadyTime> next_refresh_;                      // none: not begun
};

} // namespace adit::app
