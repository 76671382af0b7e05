// app/notifier.h - tells the operator by NIP-17 messages what sells, what is wrong, and that the daemon lives. Best
// effort: a message that no relay takes within an hour is lost. spec: Notifications
#pragma once

#include "app/lookout.h"
#include "app/notices.h"
#include "protocol/event.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <set>

namespace adit::app {

/// How far the relays that the recipient names may lead: to public addresses, unless a relay of the config is itself on
/// this machine or in a private network.
nostr::Reach reach_of_inboxes(std::span<const nostr::RelayUrl> configured);

class Notifier {
public:
    struct Parts {
        const Shop& shop; // with [notifications] enabled and a recipient
        store::Store& store;
        nostr::RelayPool& relays;
        const Clock& clock;
        Rng& rng;
        nostr::Reach reach;
        std::function<std::vector<Symptom>()> symptoms;
        std::function<ShopNow()> shop_now;
    };
    /// What is referred to must outlive it, and the relays be stopped before its end.
    explicit Notifier(Parts parts);

    /// Called when there is something to do before the time that step() gave.
    void on_work(std::function<void()> wake) { wake_ = std::move(wake); }
    /// Before the first step: what an earlier process has told. Errors: store_unavailable.
    Result<void> load();

    /// Any thread, in the middle of a sale: counts it, and nothing else.
    void sold(const store::Purchase& purchase);
    /// For one background thread: looks, tells what is due, and says how long until the next time.
    Milliseconds step();

private:
    struct Message; // on its way
    void take_in_sales(SteadyTime at);
    void look(UnixSeconds now, SteadyTime at);
    bool knows_where_to();
    void ask_for_inboxes(SteadyTime at);
    void found_inboxes(const nostr::FetchResult& answer);
    void keep_inboxes();
    void tell(const Due& due, UnixSeconds now);
    void send(const protocol::Event& wrap);
    void came_back(Message& message, const std::string& relay, const nostr::PublishOutcome& outcome);

    const Parts parts_;
    const protocol::PublicKey recipient_;
    std::function<void()> wake_ = [] {};
    Notices notices_;
    std::optional<SteadyTime> began_;
    SteadyTime next_look_;
    SteadyTime next_ask_;
    std::atomic<std::size_t> under_way_{0};

    std::mutex mutex_;                           // guards all below
    SalesSum sold_;                              // since the last step
    bool asked_ = false;                         // for the recipient's list, and some relay has answered
    bool answered_ = false;                      // since the last step
    std::optional<protocol::Event> inbox_event_; // kind 10050, the newest seen
    bool inbox_event_is_new_ = false;            // to be kept
    std::vector<nostr::RelayUrl> inboxes_;       // of it
    bool said_no_inboxes_ = false;
    std::set<std::string> refusing_; // relays whose refusal the log has
};

} // namespace adit::app
