// store/writer.h - the one thread that changes the database. Steps that arrive together share one transaction and its
// sync. Reads are reader.h's.
#pragma once

#include "base/bounded_queue.h"
#include "store/database.h"

#include <atomic>
#include <functional>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

namespace adit::store {

enum class Fate { lives, dies };

/// For tests: asked once for each step that changed something, on the writer's thread. Where one says `dies`, the store
/// behaves as if the power had gone just there: before (nothing of the transaction is kept) or after (all of it is),
/// and every call answers store_unavailable until the file is opened again.
struct CommitHooks {
    std::function<Fate(std::string_view step)> before_commit;
    std::function<Fate(std::string_view step)> after_commit;
};

class Writer {
public:
    /// What is done in the transaction. A failure rolls back this step alone.
    using Step = std::function<Result<void>(Database&)>;

    Writer(Database database, CommitHooks hooks, std::size_t queue_limit);
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Any thread but the writer's own. Blocks until the step is durable; one that changes nothing costs no sync.
    /// `name` is for crash points and hooks. Errors: the step's; busy (the queue is full); store_unavailable.
    Result<void> run(std::string_view name, const Step& step);
    /// Whether it answers store_unavailable from now on: what is in the file then is for the next start to see.
    bool has_stopped() const { return dead_; }
    /// From within a step: after its commit and before its answer, the write-ahead log is emptied into the file, so
    /// that what was wiped is gone from both.
    void empty_log_after_commit() { empty_log_ = true; }
    /// Steps that no transaction has taken yet.
    std::size_t waiting() const { return queue_.size(); }

private:
    struct Job;
    void serve();
    void serve_batch(std::span<Job* const> batch);
    Result<void> perform(std::span<Job* const> batch);
    void perform_alone(Job& job);
    Result<void> perform_beside_others(Job& job);
    Result<void> commit(std::span<Job* const> batch);
    void empty_log();

    Database database_;
    const CommitHooks hooks_;
    BoundedQueue<Job*> queue_;
    std::atomic<bool> dead_ = false; // set by the writer's thread
    bool empty_log_ = false;         // the writer's thread only
    std::thread thread_;             // last: it uses all of the above
};

} // namespace adit::store
