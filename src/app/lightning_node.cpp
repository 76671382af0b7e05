#include "app/lightning_node.h"

#include "base/log.h"

namespace adit::app {

Result<payments::lightning::Network> LightningNode::network()
{
    {
        const std::lock_guard lock(mutex_);
        if (network_) return *network_;
    }
    const auto network = TRY(heard(backend_.network()));
    const std::lock_guard lock(mutex_);
    network_ = network;
    return network;
}

void LightningNode::probe()
{
    const auto network = heard(backend_.network());
    if (!network) return; // said already
    const std::lock_guard lock(mutex_);
    network_ = *network;
}

void LightningNode::answered()
{
    if (!usable_.exchange(true)) log_info("lightning_node_usable", {{"backend", backend_.name()}});
    complained_ = false;
}

void LightningNode::failed(const Error& error)
{
    if (error.reason != Reason::lightning_unreachable && error.reason != Reason::lightning_refused) return;
    usable_ = false;
    if (!complained_.exchange(true))
        log_error("lightning_node_not_usable", {{"backend", backend_.name()}, {"detail", error.detail}});
}

} // namespace adit::app
