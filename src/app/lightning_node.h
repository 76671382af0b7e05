// app/lightning_node.h - the operator's Lightning backend, and whether it was heard of lately.
#pragma once

#include "payments/lightning/backend.h"

#include <atomic>
#include <mutex>

namespace adit::app {

/// Thread-safe.
class LightningNode {
public:
    /// `backend` must outlive it.
    explicit LightningNode(payments::lightning::Backend& backend) : backend_(backend) {}

    payments::lightning::Backend& backend() { return backend_; }
    /// Asked once, since a node does not move. Errors: as Backend.
    Result<payments::lightning::Network> network();
    /// Asks it anything, to know whether it answers. Blocking.
    void probe();
    /// What the last call gave, passed through: silence and refusals make the node unusable until one is answered.
    template<typename T>
    Result<T> heard(Result<T> result)
    {
        if (result)
            answered();
        else
            failed(result.error());
        return result;
    }
    bool usable() const { return usable_; }

private:
    void answered();
    void failed(const Error& error);

    payments::lightning::Backend& backend_;
    std::atomic<bool> usable_{false};
    std::atomic<bool> complained_{false}; // of this silence, in the log
    std::mutex mutex_;
    std::optional<payments::lightning::Network> network_;
};

} // namespace adit::app
