// app/background.h - a thread that does one thing again and again: when it is due, or when it is woken.
#pragma once

#include "base/time.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace adit::app {

class Background {
public:
    /// Does what is due, and says how long until the next time. May block.
    using Step = std::function<Milliseconds()>;

    explicit Background(Step step);
    /// As stop().
    ~Background();
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

    void start();
    /// Any thread: the step runs (again) soon.
    void wake();
    /// Waits for a running step to end.
    void stop();

private:
    void run();

    const Step step_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool woken_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace adit::app
