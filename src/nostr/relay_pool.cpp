#include "nostr/relay_pool.h"

#include "base/check.h"
#include "nostr/lws_transport.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_set>

namespace adit::nostr {

namespace {

constexpr std::size_t kRemembered = 2048;
constexpr std::size_t kMaxVisits = 16;
// A loop that does not run must not hold a worker for ever.
constexpr Milliseconds kLoopSlack{2000};

struct IdHash {
    std::size_t operator()(const protocol::EventId& id) const
    {
        std::size_t out = 0;
        std::copy_n(id.begin(), sizeof out, reinterpret_cast<std::uint8_t*>(&out));
        return out;
    }
};

/// The last few event ids seen.
class Memory {
public:
    bool knows(const protocol::EventId& id) const { return ids_.contains(id); }
    void learn(const protocol::EventId& id)
    {
        if (!ids_.insert(id).second) return;
        order_.push_back(id);
        if (order_.size() <= kRemembered) return;
        ids_.erase(order_.front());
        order_.pop_front();
    }

private:
    std::unordered_set<protocol::EventId, IdHash> ids_;
    std::deque<protocol::EventId> order_;
};

} // namespace

bool FetchResult::complete() const
{
    return !relays.empty() && std::all_of(relays.begin(), relays.end(), [](const RelayCoverage& relay) {
        return relay.coverage == Coverage::complete;
    });
}

/// Everything the pool has. Lives as long as the pool or a task on the loop that holds it. Every way in takes the lock
/// and looks at `stopped_`, so that stop() may come from any thread, with the loop running or not.
class RelayPool::Core final : public std::enable_shared_from_this<Core> {
public:
    Core(Loop& loop, const Clock& clock, Rng& rng, PoolOptions options)
        : loop_(loop), clock_(clock), rng_(rng), auth_key_(std::move(options.auth_key)), limits_(options.limits),
          sockets_(loop, std::move(options.resolve), std::move(options.ca_file))
    {
        for (const RelayUrl& url : options.urls) {
            statuses_.push_back({url.text});
            relays_.push_back(std::make_unique<Relay>(*this, relays_.size(), url, Reach::anywhere));
        }
    }

    Loop& loop() { return loop_; }
    bool on_loop_thread() const { return loop_thread_.load() == std::this_thread::get_id(); }

    /// Runs `act` on the loop unless the pool is stopped by then.
    template<typename Act>
    void post(Act act)
    {
        loop_.post([weak = weak_from_this(), act = std::move(act)] {
            const auto core = weak.lock();
            if (!core) return;
            const std::lock_guard lock(core->gate_);
            if (!core->stopped_) act(*core);
        });
    }

    void start()
    {
        post([](Core& core) {
            core.loop_thread_ = std::this_thread::get_id();
            for (auto& relay : core.relays_) {
                relay->link.start();
                relay->arm();
            }
        });
    }

    void stop()
    {
        {
            const std::lock_guard lock(gate_);
            if (stopped_) return;
            stopped_ = true;
            const std::lock_guard status_lock(status_mutex_);
            for (RelayStatus& status : statuses_) status.connected = false;
            for (const auto& fetch : waited_for_)
                if (!fetch->finished) fetch->done(conclude(*fetch));
            waited_for_.clear();
        }
        // Sockets and timers belong to the loop's thread. If the loop does not run any more, its end takes them along.
        loop_.post([core = shared_from_this()] {
            for (auto& relay : core->relays_) relay->end();
            for (auto& [url, relay] : core->visits_) relay->end();
        });
    }

    std::vector<RelayStatus> status() const
    {
        const std::lock_guard lock(status_mutex_);
        return statuses_;
    }

    void publish(const protocol::EventId& id, const std::shared_ptr<const std::string>& message, SteadyTime deadline,
                 const Published& published)
    {
        for (auto& relay : relays_) {
            relay->link.publish(id, message, deadline,
                                [published, url = relay->link.url().text](PublishOutcome outcome) {
                                    if (published) published(url, std::move(outcome));
                                });
            relay->arm();
        }
    }

    void deliver(const RelayUrl& url, Reach reach, const protocol::EventId& id,
                 const std::shared_ptr<const std::string>& message, SteadyTime deadline, const Published& published)
    {
        const auto own =
            std::ranges::find_if(relays_, [&](const auto& each) { return each->link.url().text == url.text; });
        if (own != relays_.end()) {
            (*own)->link.publish(id, message, deadline, [published, name = url.text](PublishOutcome outcome) {
                published(name, std::move(outcome));
            });
            (*own)->arm();
            return;
        }
        auto visit = visits_.find(url.text);
        if (visit == visits_.end()) {
            if (visits_.size() >= kMaxVisits) {
                published(url.text, {Answer::no_answer, "too many other relays are being told something"});
                return;
            }
            visit = visits_.emplace(url.text, std::make_unique<Relay>(*this, std::nullopt, url, reach)).first;
            visit->second->link.start();
        }
        Relay& relay = *visit->second;
        ++relay.errands;
        relay.link.publish(id, message, deadline, [this, &relay, published, name = url.text](PublishOutcome outcome) {
            --relay.errands;
            // Later: this is called by the link that is to go.
            if (relay.errands == 0) post([name](Core& core) { core.leave(name); });
            published(name, std::move(outcome));
        });
        relay.arm();
    }

    /// Ends the visit, unless there is a new errand.
    void leave(const std::string& url)
    {
        const auto visit = visits_.find(url);
        if (visit == visits_.end() || visit->second->errands != 0) return;
        visit->second->end();
        visits_.erase(visit);
    }

    // --- fetches

    /// One question to all relays. Everything in it is under the gate.
    struct Fetch {
        struct Part {
            RelayCoverage result;
            RelayLink::SubscriptionId subscription = 0;
            bool over = false;
        };
        std::vector<protocol::Filter> filters = {};
        SteadyTime deadline = {};
        Patience patience = Patience::until_deadline;
        std::function<void(FetchResult)> done = {};
        std::vector<protocol::Event> events = {};
        std::unordered_set<protocol::EventId, IdHash> ids = {};
        std::vector<Part> parts = {};
        std::size_t open = 0;
        bool finished = false;
        Loop::TimerId timer = 0;
    };
    using SharedFetch = std::shared_ptr<Fetch>; // by the subscriptions of all relays, the timer, and who waits

    SharedFetch new_fetch(std::vector<protocol::Filter> filters, Milliseconds deadline, Patience patience)
    {
        auto fetch = std::make_shared<Fetch>();
        fetch->filters = std::move(filters);
        fetch->deadline = clock_.steady() + deadline;
        fetch->patience = patience;
        fetch->open = relays_.size();
        for (const auto& relay : relays_) fetch->parts.push_back({{relay->link.url().text}});
        return fetch;
    }

    FetchResult fetch_blocking(std::vector<protocol::Filter> filters, Milliseconds deadline, Patience patience)
    {
        struct Waiter {
            std::mutex mutex;
            std::condition_variable ready;
            std::optional<FetchResult> result;
        };
        auto waiter = std::make_shared<Waiter>(); // shared with the callback, which may come after we gave up
        auto fetch = new_fetch(std::move(filters), deadline, patience);
        fetch->done = [waiter](FetchResult result) {
            const std::lock_guard lock(waiter->mutex);
            waiter->result = std::move(result);
            waiter->ready.notify_all();
        };
        {
            const std::lock_guard lock(gate_);
            if (stopped_) return conclude(*fetch);
            waited_for_.insert(fetch);
        }
        post([fetch](Core& core) { core.begin(fetch); });
        {
            std::unique_lock lock(waiter->mutex);
            if (waiter->ready.wait_for(lock, deadline + kLoopSlack, [&] { return waiter->result.has_value(); }))
                return std::move(*waiter->result);
        }
        const std::lock_guard lock(gate_);
        waited_for_.erase(fetch);
        if (!fetch->finished) return conclude(*fetch);
        const std::lock_guard late(waiter->mutex);
        return std::move(*waiter->result);
    }

    void begin(const SharedFetch& fetch)
    {
        if (fetch->finished) return; // who waited has given up
        if (relays_.empty()) {
            finish(fetch);
            return;
        }
        const auto wait = std::chrono::ceil<Milliseconds>(fetch->deadline - clock_.steady());
        fetch->timer = loop_.after(std::max(wait, Milliseconds(0)), guarded([fetch](Core& core) {
                                       fetch->timer = 0;
                                       core.finish(fetch);
                                   }));
        for (std::size_t i = 0; i < relays_.size() && !fetch->finished; ++i) begin(fetch, i);
    }

    void begin(const SharedFetch& fetch, std::size_t i)
    {
        Relay& relay = *relays_[i];
        if (fetch->patience == Patience::while_it_lasts && relay.link.is_waiting()) {
            settle(fetch, i, Coverage::silent, relay.link.status().last_error);
            return;
        }
        RelayLink::Subscriber subscriber;
        subscriber.knows = [fetch, i](const protocol::EventId& id) {
            const bool known = fetch->ids.contains(id);
            if (known) fetch->parts[i].result.any = true;
            return known;
        };
        subscriber.on_event = [fetch, i](const protocol::Event& event) {
            fetch->parts[i].result.any = true;
            if (fetch->ids.insert(event.id).second) fetch->events.push_back(event);
        };
        subscriber.on_complete = [this, fetch, i] { settle(fetch, i, Coverage::complete, {}); };
        subscriber.on_refused = [this, fetch, i](const std::string& why) { settle(fetch, i, Coverage::refused, why); };
        subscriber.on_lost = [this, fetch, i](const std::string& why) {
            fetch->parts[i].result.message = why;
            switch (fetch->patience) {
            case Patience::until_deadline:
                break;
            case Patience::while_it_lasts:
                settle(fetch, i, coverage_so_far(fetch->parts[i]), why);
                break;
            }
        };
        const auto id = relay.link.subscribe(fetch->filters, Lifetime::stored, std::move(subscriber));
        if (fetch->parts[i].over)
            relay.link.unsubscribe(id);
        else
            fetch->parts[i].subscription = id;
        relay.arm();
    }

    // --- subscriptions

    void subscribe(SubscriptionId id, const std::vector<protocol::Filter>& filters,
                   const std::function<void(const protocol::Event&)>& on_event, Seconds overlap)
    {
        auto memory = std::make_shared<Memory>(); // shared by the subscriptions of all relays
        std::vector<RelayLink::SubscriptionId>& ids = subscriptions_[id];
        for (auto& relay : relays_) {
            RelayLink::Subscriber subscriber;
            subscriber.knows = [memory](const protocol::EventId& event) { return memory->knows(event); };
            subscriber.on_event = [memory, on_event](const protocol::Event& event) {
                memory->learn(event.id);
                on_event(event);
            };
            ids.push_back(relay->link.subscribe(filters, Lifetime::live, std::move(subscriber), overlap));
            relay->arm();
        }
    }

    void unsubscribe(SubscriptionId id)
    {
        const auto found = subscriptions_.find(id);
        if (found == subscriptions_.end()) return;
        const auto ids = std::move(found->second);
        subscriptions_.erase(found);
        for (std::size_t i = 0; i < relays_.size(); ++i) {
            relays_[i]->link.unsubscribe(ids[i]);
            relays_[i]->arm();
        }
    }

    SubscriptionId next_subscription() { return ++last_subscription_; }
    const Clock& clock() const { return clock_; }

private:
    /// A link with its socket and its timer.
    struct Relay final : TransportListener {
        Relay(Core& owner, std::optional<std::size_t> place, const RelayUrl& url, Reach reach)
            : core(owner), index(place), transport(owner.sockets_, url, *this, TransportLimits{.reach = reach}),
              link(url, transport, owner.clock_, owner.rng_, owner.auth_key_ ? &*owner.auth_key_ : nullptr,
                   owner.limits_)
        {
        }

        void transport_opened() override
        {
            enter([&] { link.transport_opened(); });
        }
        void transport_message(std::string_view text) override
        {
            enter([&] { link.transport_message(text); });
        }
        void transport_pong() override
        {
            enter([&] { link.transport_pong(); });
        }
        void transport_closed(std::string why) override
        {
            enter([&] { link.transport_closed(std::move(why)); });
        }

        template<typename Act>
        void enter(Act act)
        {
            const std::lock_guard lock(core.gate_);
            if (core.stopped_) return;
            act();
            arm();
        }

        /// To follow every call of the link: shows its status, and sets the timer to when it next wants the time. A
        /// later wish waits for the timer that is there.
        void arm()
        {
            if (core.stopped_) return;
            if (index) {
                auto now = link.status();
                const std::lock_guard lock(core.status_mutex_);
                core.statuses_[*index] = std::move(now);
            }
            const auto at = link.wakes_at();
            if (!at || (timer != 0 && armed_for <= *at)) return;
            core.loop_.cancel(timer);
            armed_for = *at;
            const auto wait = std::chrono::ceil<Milliseconds>(*at - core.clock_.steady());
            timer = core.loop_.after(std::max(wait, Milliseconds(0)), core.guarded([this](Core&) {
                timer = 0;
                enter([&] { link.on_time(); });
            }));
        }

        void end()
        {
            core.loop_.cancel(timer);
            timer = 0;
            link.stop();
        }

        Core& core;
        const std::optional<std::size_t> index; // among those configured; none: a visit
        std::size_t errands = 0;                // of a visit: events without an answer
        LwsTransport transport;
        RelayLink link;
        Loop::TimerId timer = 0;
        SteadyTime armed_for{};
    };

    template<typename Act>
    Loop::Task guarded(Act act)
    {
        return [weak = weak_from_this(), act = std::move(act)] {
            const auto core = weak.lock();
            if (!core) return;
            const std::lock_guard lock(core->gate_);
            if (!core->stopped_) act(*core);
        };
    }

    static Coverage coverage_so_far(const Fetch::Part& part)
    {
        return part.result.any ? Coverage::partial : Coverage::silent;
    }

    void settle(const SharedFetch& fetch, std::size_t i, Coverage coverage, const std::string& message)
    {
        Fetch::Part& part = fetch->parts[i];
        if (part.over || fetch->finished) return;
        part.over = true;
        part.result.coverage = coverage;
        part.result.message = message;
        if (part.subscription != 0) relays_[i]->link.unsubscribe(part.subscription);
        relays_[i]->arm();
        if (--fetch->open == 0) finish(fetch);
    }

    /// Closes the books of a fetch; what is on the wire stays.
    static FetchResult conclude(Fetch& fetch)
    {
        fetch.finished = true;
        FetchResult result;
        for (Fetch::Part& part : fetch.parts) {
            if (!part.over) part.result.coverage = coverage_so_far(part);
            if (!part.over && part.result.message.empty()) part.result.message = "no answer in time";
            part.over = true;
            result.relays.push_back(std::move(part.result));
        }
        result.events = std::move(fetch.events);
        return result;
    }

    void finish(const SharedFetch& fetch)
    {
        if (fetch->finished) return;
        if (fetch->timer != 0) loop_.cancel(fetch->timer);
        FetchResult result = conclude(*fetch);
        for (std::size_t i = 0; i < relays_.size(); ++i) {
            relays_[i]->link.unsubscribe(fetch->parts[i].subscription);
            relays_[i]->arm();
        }
        waited_for_.erase(fetch);
        const auto done = std::move(fetch->done);
        done(std::move(result));
    }

    Loop& loop_;
    const Clock& clock_;
    Rng& rng_;
    const std::optional<protocol::SecretKey> auth_key_;
    const LinkLimits limits_;
    std::atomic<std::thread::id> loop_thread_{};
    std::atomic<SubscriptionId> last_subscription_{0};

    mutable std::recursive_mutex gate_; // recursive: callbacks run under it and may call the pool
    bool stopped_ = false;
    // Apart from the gate, so that who holds a lock that a callback wants may still ask how the relays are.
    mutable std::mutex status_mutex_;
    std::vector<RelayStatus> statuses_;
    RelaySockets sockets_;
    std::vector<std::unique_ptr<Relay>> relays_;
    std::map<std::string, std::unique_ptr<Relay>>
        visits_; // by URL: relays outside of the set, while they are told something
    std::map<SubscriptionId, std::vector<RelayLink::SubscriptionId>> subscriptions_;
    std::set<SharedFetch> waited_for_; // by a worker each
};

RelayPool::RelayPool(Loop& loop, const Clock& clock, Rng& rng, PoolOptions options)
    : core_(std::make_shared<Core>(loop, clock, rng, std::move(options)))
{
    core_->start();
}

RelayPool::~RelayPool() { stop(); }

void RelayPool::stop() { core_->stop(); }

void RelayPool::publish(const protocol::Event& event, Milliseconds deadline, Published published)
{
    auto message = std::make_shared<const std::string>(
        protocol::encode(protocol::ToRelay(protocol::to_relay::Publish{event}))); // one copy for all relays
    core_->post([id = event.id, message = std::move(message), at = core_->clock().steady() + deadline,
                 published = std::move(published)](Core& core) { core.publish(id, message, at, published); });
}

void RelayPool::deliver(const RelayUrl& relay, Reach reach, const protocol::Event& event, Milliseconds deadline,
                        Published published)
{
    auto message =
        std::make_shared<const std::string>(protocol::encode(protocol::ToRelay(protocol::to_relay::Publish{event})));
    core_->post(
        [relay, reach, id = event.id, message = std::move(message), at = core_->clock().steady() + deadline,
         published = std::move(published)](Core& core) { core.deliver(relay, reach, id, message, at, published); });
}

void RelayPool::fetch_async(std::vector<protocol::Filter> filters, Milliseconds deadline,
                            std::function<void(FetchResult)> done, Patience patience)
{
    const auto fetch = core_->new_fetch(std::move(filters), deadline, patience);
    fetch->done = std::move(done);
    core_->post([fetch](Core& core) { core.begin(fetch); });
}

FetchResult RelayPool::fetch(std::vector<protocol::Filter> filters, Milliseconds deadline, Patience patience)
{
    CHECK(!core_->on_loop_thread());
    return core_->fetch_blocking(std::move(filters), deadline, patience);
}

RelayPool::SubscriptionId RelayPool::subscribe(std::vector<protocol::Filter> filters,
                                               std::function<void(const protocol::Event&)> on_event, Seconds overlap)
{
    const SubscriptionId id = core_->next_subscription();
    core_->post([id, filters = std::move(filters), on_event = std::move(on_event), overlap](Core& core) {
        core.subscribe(id, filters, on_event, overlap);
    });
    return id;
}

void RelayPool::unsubscribe(SubscriptionId id)
{
    core_->post([id](Core& core) { core.unsubscribe(id); });
}

std::vector<RelayStatus> RelayPool::status() const { return core_->status(); }

} // namespace adit::nostr
