#include "base/workers.h"

#include "base/check.h"

#include <climits>
#include <utility>

namespace adit {

Workers::Workers(Options options) : options_(options)
{
    CHECK(options_.threads > 0);
    CHECK(options_.stack_bytes >= static_cast<std::size_t>(PTHREAD_STACK_MIN));
}

Workers::~Workers() { stop(); }

bool Workers::submit(Task task)
{
    std::unique_lock lock(mutex_);
    join_finished(lock);
    if (stopping_) return false;
    // Those idle or starting may have tasks waiting for them already, which they have not yet woken to take.
    const std::size_t coming = idle_ + starting_;
    if (tasks_.size() < coming) {
        tasks_.push_back(std::move(task));
        wake_.notify_one();
        return true;
    }
    if (threads_ < options_.threads && start_thread()) {
        tasks_.push_back(std::move(task));
        return true;
    }
    if (threads_ == 0 || tasks_.size() - coming >= options_.queue) return false;
    tasks_.push_back(std::move(task));
    return true;
}

void Workers::stop()
{
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    ended_.wait(lock, [&] { return threads_ == 0; });
    join_finished(lock);
}

std::size_t Workers::threads() const
{
    const std::lock_guard lock(mutex_);
    return threads_;
}

/// With the lock held. The new thread waits for it, and then finds the task.
bool Workers::start_thread()
{
    pthread_attr_t attributes;
    if (::pthread_attr_init(&attributes) != 0) return false;
    pthread_t thread{};
    const bool started = ::pthread_attr_setstacksize(&attributes, options_.stack_bytes) == 0 &&
                         ::pthread_create(&thread, &attributes, thread_main, this) == 0;
    ::pthread_attr_destroy(&attributes);
    if (started) {
        ++threads_;
        ++starting_;
    }
    return started;
}

void* Workers::thread_main(void* self)
{
    static_cast<Workers*>(self)->work();
    return nullptr;
}

void Workers::work()
{
    std::unique_lock lock(mutex_);
    --starting_;
    for (;;) {
        if (tasks_.empty()) {
            if (stopping_) break;
            ++idle_;
            const bool woken = wake_.wait_for(lock, options_.idle, [&] { return stopping_ || !tasks_.empty(); });
            --idle_;
            if (!woken) break;
            continue;
        }
        Task task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        task = nullptr; // what it holds goes before the lock is taken again
        lock.lock();
    }
    --threads_;
    finished_.push_back(::pthread_self());
    ended_.notify_all();
}

/// Those threads hold no lock any more but this one, which they are about to give back.
void Workers::join_finished(std::unique_lock<std::mutex>& lock)
{
    if (finished_.empty()) return;
    const std::vector<pthread_t> finished = std::exchange(finished_, {});
    lock.unlock();
    for (const pthread_t thread : finished) ::pthread_join(thread, nullptr);
    lock.lock();
}

} // namespace adit
