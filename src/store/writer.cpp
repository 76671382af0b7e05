#include "store/writer.h"

#include "base/crash_point.h"
#include "base/log.h"

#include <condition_variable>
#include <mutex>

namespace adit::store {

namespace {

constexpr std::size_t kMaxBatch = 256; // steps in one transaction: bounds how long the first of them waits

Error power_is_gone() { return {Reason::store_unavailable, "the store has stopped"}; }

} // namespace

/// Lives on the stack of the caller, who waits for `done`.
struct Writer::Job {
    std::string_view name;
    const Step& step;
    Result<void> outcome = {};
    bool changed_something = false;

    std::mutex mutex = {};
    std::condition_variable answered = {};
    bool done = false;

    void answer()
    {
        // Notified under the lock: the caller cannot leave, and take the job with it, before we are out of here.
        const std::lock_guard lock(mutex);
        done = true;
        answered.notify_one();
    }
    void wait()
    {
        std::unique_lock lock(mutex);
        answered.wait(lock, [&] { return done; });
    }
};

Writer::Writer(Database database, CommitHooks hooks, std::size_t queue_limit)
    : database_(std::move(database)), hooks_(std::move(hooks)), queue_(queue_limit), thread_([this] { serve(); })
{
}

Writer::~Writer()
{
    queue_.close();
    thread_.join();
}

Result<void> Writer::run(std::string_view name, const Step& step)
{
    Job job{name, step};
    if (!queue_.try_push(&job)) return Error{Reason::busy, "too many steps wait for the store"};
    job.wait();
    return std::move(job.outcome);
}

void Writer::serve()
{
    while (const auto first = queue_.pop()) {
        std::vector<Job*> batch{*first};
        while (batch.size() < kMaxBatch) {
            const auto next = queue_.try_pop();
            if (!next) break;
            batch.push_back(*next);
        }
        serve_batch(batch);
    }
}

void Writer::serve_batch(std::span<Job* const> batch)
{
    Result<void> done = dead_ ? Result<void>(power_is_gone()) : perform(batch);
    if (!done) {
        // The transaction is lost, and with it what every step of the batch believes to have done or seen.
        if (database_.in_transaction()) {
            if (auto undone = database_.execute("ROLLBACK"); !undone) {
                log_error("store_stopped", {{"because", undone.error().detail}});
                dead_ = true;
            }
        }
        for (Job* job : batch) job->outcome = done.error();
    } else if (empty_log_) {
        empty_log();
    }
    empty_log_ = false;
    for (Job* job : batch) job->answer();
}

Result<void> Writer::perform(std::span<Job* const> batch)
{
    TRY(database_.run("BEGIN IMMEDIATE"));
    for (Job* job : batch) {
        if (batch.size() == 1)
            perform_alone(*job);
        else
            TRY(perform_beside_others(*job));
        if (!database_.in_transaction()) // SQLite gave it up: a full disk, a failing one
            return Error{Reason::store_unavailable, job->outcome ? "transaction lost" : job->outcome.error().detail};
    }
    return commit(batch);
}

/// Its failure is the end of the transaction, so it needs no savepoint: what that would keep of every page that the
/// step changes takes SQLite far longer than the step, once there are thousands of them.
void Writer::perform_alone(Job& job)
{
    const auto before = database_.total_changes();
    job.outcome = job.step(database_);
    job.changed_something = job.outcome && database_.total_changes() != before;
}

/// Gives the failure of the savepoint, not of the step.
Result<void> Writer::perform_beside_others(Job& job)
{
    TRY(database_.run("SAVEPOINT step"));
    const auto before = database_.total_changes();
    job.outcome = job.step(database_);
    if (!database_.in_transaction()) return {};
    if (job.outcome)
        job.changed_something = database_.total_changes() != before;
    else
        TRY(database_.run("ROLLBACK TO step"));
    TRY(database_.run("RELEASE step"));
    return {};
}

Result<void> Writer::commit(std::span<Job* const> batch)
{
    std::vector<const Job*> changed;
    for (const Job* job : batch)
        if (job->changed_something) changed.push_back(job);
    if (changed.empty()) { // nothing to sync
        TRY(database_.run("ROLLBACK"));
        return {};
    }
    for (const Job* job : changed) {
        crash_point("store_before_commit:" + std::string(job->name));
        if (hooks_.before_commit && hooks_.before_commit(job->name) == Fate::dies) {
            dead_ = true;
            return power_is_gone();
        }
    }
    TRY(database_.run("COMMIT"));
    for (const Job* job : changed) {
        crash_point("store_after_commit:" + std::string(job->name));
        if (hooks_.after_commit && hooks_.after_commit(job->name) == Fate::dies) {
            dead_ = true;
            return power_is_gone();
        }
    }
    return {};
}

void Writer::empty_log()
{
    // A reader beside us can be in the way: then the next wiping, or the close of the file, does it.
    if (auto emptied = database_.execute("PRAGMA wal_checkpoint(TRUNCATE)"); !emptied)
        log_warn("store_log_not_emptied", {{"because", emptied.error().detail}});
}

} // namespace adit::store
