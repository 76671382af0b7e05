// base/bounded_queue.h - where threads meet: a queue with a limit, so that a full one is told at once.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace adit {

/// Any thread may push and pop. After close(), pushes are refused and pops drain what is left, then give nothing.
template<typename T>
class BoundedQueue {
public:
    explicit BoundedQueue(std::size_t limit) : limit_(limit) {}

    /// False when full or closed; the item is untouched then.
    [[nodiscard]] bool try_push(T&& item)
    {
        {
            const std::lock_guard lock(mutex_);
            if (closed_ || items_.size() >= limit_) return false;
            items_.push_back(std::move(item));
        }
        ready_.notify_one();
        return true;
    }

    /// Waits; nothing only when closed and empty.
    std::optional<T> pop()
    {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [&] { return closed_ || !items_.empty(); });
        return take();
    }

    /// Does not wait.
    std::optional<T> try_pop()
    {
        const std::lock_guard lock(mutex_);
        return take();
    }

    void close()
    {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
        }
        ready_.notify_all();
    }

    std::size_t size() const
    {
        const std::lock_guard lock(mutex_);
        return items_.size();
    }

private:
    std::optional<T> take()
    {
        if (items_.empty()) return std::nullopt;
        T item = std::move(items_.front());
        items_.pop_front();
        return item;
    }

    const std::size_t limit_;
    mutable std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<T> items_;
    bool closed_ = false;
};

} // namespace adit
