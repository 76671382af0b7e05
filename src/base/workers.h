// base/workers.h - threads for straight, blocking code: made when needed, gone when idle.
#pragma once

#include "base/time.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <pthread.h>
#include <vector>

namespace adit {

/// Any thread may submit. Tasks start in the order submitted and must not throw.
class Workers {
public:
    using Task = std::function<void()>;
    struct Options {
        std::size_t threads = 64;
        std::size_t queue = 256;         // tasks that wait while all threads are busy
        Milliseconds idle = Seconds(10); // then a thread ends
        std::size_t stack_bytes = std::size_t{512} * 1024;
    };

    explicit Workers(Options options);
    /// As stop().
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// False (and the task is destroyed unrun) when every thread is busy and the queue is full, or after stop().
    [[nodiscard]] bool submit(Task task);
    /// Refuses new tasks, runs those already taken, joins every thread. From one thread that is not a worker; may be
    /// repeated.
    void stop();
    std::size_t threads() const;

private:
    static void* thread_main(void* self);
    void work();
    bool start_thread();
    void join_finished(std::unique_lock<std::mutex>& lock);

    const Options options_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable ended_;
    std::deque<Task> tasks_;
    std::size_t threads_ = 0;
    std::size_t starting_ = 0;
    std::size_t idle_ = 0;
    std::vector<pthread_t> finished_; // ended, but not yet joined
    bool stopping_ = false;
};

} // namespace adit
