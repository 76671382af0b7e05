// app/gifts.h - time and data that the operator gives away: a purchase at price 0, without a payment. spec: Given
#pragma once

#include "app/shop.h"
#include "app/tunnels.h"

namespace adit::app {

struct Gift {
    protocol::Unit unit{};
    std::uint64_t quantity = 0;
    /// 10^6 bits per second, each way; 0: as fast as it goes. None: as the last grant of the same class in the session,
    /// so that it is extended; in a new one as fast as it goes.
    std::optional<std::uint32_t> max_mbps = {};
    std::string note = {};
};

struct Given {
    payments::PurchaseId purchase{};
    store::Activated activated;
    store::Lease lease;
};

/// Blocking: from workers. Thread-safe; what it refers to must outlive it.
class Gifts {
public:
    struct Parts {
        const Shop& shop;
        store::Store& store;
        Tunnels& tunnels;
        const Clock& clock;
    };
    explicit Gifts(Parts parts) : parts_(parts) {}

    /// At start, before anything is put: what was being given when the process died is not. Errors: store_unavailable.
    Result<void> load();

    // Both: nothing is half done: what could not be put up is ended in the books. Errors, in words for the operator:
    // bad_request (the amount, the key), above_max_purchase, policy (the device), no_ip_available, device_unavailable,
    // store_unavailable.
    /// A grant for that key, which begins a session or joins the one that it has.
    Result<Given> grant(const protocol::WireguardKey& key, const Gift& gift);
    /// The same for a session that is live. Errors: not_found, session_ended too.
    Result<Given> extend(std::int64_t session, const Gift& gift);

private:
    Result<Given> give(const protocol::WireguardKey& key, const Gift& gift, std::optional<std::int64_t> only_session);

    const Parts parts_;
};

} // namespace adit::app
