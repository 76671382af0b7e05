// tests/nostr/pool_world.h - a loop on a thread of its own, and what tests of the pool need around it.
#pragma once

#include "link_world.h"
#include "nostr/relay_pool.h"

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

namespace adit::nostr {

using namespace std::chrono_literals;

class RunningLoop {
public:
    RunningLoop() : thread_([this] { loop_->run(); }) {}
    ~RunningLoop() { end(); }
    RunningLoop(const RunningLoop&) = delete;
    RunningLoop& operator=(const RunningLoop&) = delete;
    Loop& get() { return *loop_; }
    void end()
    {
        if (!thread_.joinable()) return;
        loop_->stop();
        thread_.join();
    }
    /// How long a task waits for its turn on the loop.
    Milliseconds delay()
    {
        const auto begin = std::chrono::steady_clock::now();
        std::promise<void> ran;
        loop_->post([&] { ran.set_value(); });
        ran.get_future().wait();
        return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begin);
    }

private:
    std::unique_ptr<Loop> loop_ = Loop::create(nullptr);
    std::thread thread_;
};

/// Hands values from the loop to the test, which waits for as many as it expects.
template<typename T>
class Mailbox {
public:
    void put(T value)
    {
        const std::lock_guard lock(mutex_);
        values_.push_back(std::move(value));
        ready_.notify_all();
    }
    std::vector<T> wait_for(std::size_t count, Milliseconds at_most = 20s)
    {
        std::unique_lock lock(mutex_);
        ready_.wait_for(lock, at_most, [&] { return values_.size() >= count; });
        return values_;
    }
    std::size_t size()
    {
        const std::lock_guard lock(mutex_);
        return values_.size();
    }

private:
    std::mutex mutex_;
    std::condition_variable ready_;
    std::vector<T> values_;
};

struct Told {
    std::string relay;
    PublishOutcome outcome;
};

struct PoolWorld {
    std::unique_ptr<RelayPool> pool(const std::vector<std::string>& urls, PoolOptions options = {})
    {
        options.urls = parse_relay_urls(urls).value();
        return std::make_unique<RelayPool>(loop.get(), system_clock(), system_rng(), std::move(options));
    }
    protocol::Event event(std::string content)
    {
        return protocol::sign_event({system_clock().now(), 1, {}, std::move(content)}, author, system_rng());
    }
    static std::vector<protocol::Filter> notes() { return LinkWorld::notes(); }

    static LinkLimits quick()
    {
        LinkLimits limits;
        limits.backoff_base = 20ms;
        limits.backoff_cap = 50ms;
        limits.connect = 500ms;
        return limits;
    }

    RunningLoop loop;
    protocol::SecretKey author = protocol::SecretKey::generate(system_rng());
};

inline Milliseconds took(const std::function<void()>& act)
{
    const auto begin = std::chrono::steady_clock::now();
    act();
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begin);
}

} // namespace adit::nostr
