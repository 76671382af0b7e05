// app/lookout.h - what is wrong with the shop at this moment, looked up where it is known. What it makes of that is
// notices.h's. spec: Notifications
#pragma once

#include "app/lightning_node.h"
#include "app/notices.h"
#include "app/recovery.h"
#include "app/settlements.h"
#include "app/shop.h"
#include "nostr/relay_pool.h"
#include "payments/mints.h"

#include <functional>
#include <mutex>

namespace adit::app {

/// For one background thread. What costs something is looked at seldom: purchases that are owed every minute, the
/// listing on the relays every 5, the wallet's sums every 10.
class Lookout {
public:
    struct Parts {
        const Shop& shop;
        store::Store& store;
        nostr::RelayPool& relays;
        const payments::Mints& mints;
        wg::AddressPool& pool;
        const Tunnels& tunnels;
        const LightningNode* lightning; // none: not configured
        const Recovery* recovery;       // none: no ecash was ever taken
        const Settlements* settlements; // none: no Lightning
        const Clock& clock;
        /// A mint was seen to be silent for the first time: somebody should ask it soon, and again until it answers.
        std::function<void()> ask_mints;
    };
    /// What is referred to must outlive it, and the relays be stopped before its end.
    explicit Lookout(Parts parts);

    /// What can not be known just now (the database does not answer, relays have not) is as it was last seen.
    std::vector<Symptom> symptoms();
    ShopNow shop_now();

private:
    void look_at_mints(std::vector<Symptom>& found);
    void look_at_lightning(std::vector<Symptom>& found) const;
    void look_at_pool(std::vector<Symptom>& found) const;
    void look_at_disk(std::vector<Symptom>& found) const;
    void look_at_keysets(std::vector<Symptom>& found);
    void look_at_owed(std::vector<Symptom>& found);
    void look_at_listing(std::vector<Symptom>& found);
    Result<std::vector<store::Purchase>> owed() const;
    void refresh_holdings();

    const Parts parts_;
    bool mint_was_silent_ = false;
    std::vector<store::Store::Holding> holdings_;
    SteadyTime next_holdings_;
    std::vector<Symptom> owed_;
    SteadyTime next_owed_;
    SteadyTime next_listing_;
    std::mutex mutex_;
    std::vector<Symptom> listing_; // by the mutex: what the relays said last
};

} // namespace adit::app
