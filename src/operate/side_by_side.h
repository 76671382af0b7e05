// operate/side_by_side.h - looks that run beside each other, none of which is waited for longer than all may take.
#pragma once

#include "operate/finding.h"

#include "base/clock.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace adit::operate {

using Findings = std::vector<Finding>;

class SideBySide {
public:
    using Look = std::function<Findings()>;

    /// Begins at once, in a thread of its own. A look owns what it uses: one that hangs outlives us. Its findings have
    /// the place that the call has among the others.
    void begin(std::string check, Look look);
    /// What each has found; of one that is not done by then a warning named `check`.
    Findings wait(Milliseconds at_most);
    /// Whether every look has come to its end. If not, threads still run: end the process without its destructors.
    bool all_done() const;

private:
    struct Board {
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<std::pair<std::string, std::optional<Findings>>> looks;
        std::size_t running = 0;
    };
    std::shared_ptr<Board> board_ = std::make_shared<Board>(); // with the threads, which may outlive us
};

} // namespace adit::operate
