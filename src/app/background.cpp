#include "app/background.h"

#include <utility>

namespace adit::app {

Background::Background(Step step) : step_(std::move(step)) {}

Background::~Background() { stop(); }

void Background::start()
{
    thread_ = std::thread([this] { run(); });
}

void Background::wake()
{
    {
        const std::lock_guard lock(mutex_);
        woken_ = true;
    }
    changed_.notify_one();
}

void Background::stop()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void Background::run()
{
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        woken_ = false;
        lock.unlock();
        const Milliseconds pause = step_();
        lock.lock();
        changed_.wait_for(lock, pause, [this] { return woken_ || stopping_; });
    }
}

} // namespace adit::app
