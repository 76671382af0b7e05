// app/shop_commands.h - what the operator asks at the admin socket about sales: how they stand, pause and resume, what
// is owed. spec: Admin socket
#pragma once

#include "app/admin.h"
#include "app/publisher.h"
#include "app/recovery.h"
#include "app/settlements.h"
#include "app/shop.h"
#include "app/tunnels.h"
#include "http/server.h"
#include "nostr/relay_pool.h"

namespace adit::app {

struct ShopDesk {
    Shop& shop;
    store::Store& store;
    const Tunnels& tunnels;
    const Recovery* recovery;       // none: no ecash was ever taken
    const Settlements* settlements; // none: no Lightning
    Publisher& publisher;
    const nostr::RelayPool& relays;
    std::function<http::ServerStats()> served; // blocking: from workers
};

/// Paid, and neither delivered nor paid back for longer than that should take. Errors: store_unavailable.
Result<std::vector<store::Purchase>> owed(const ShopDesk& desk);
/// Whether sales were paused when the daemon last ran. Errors: store_unavailable.
Result<bool> was_paused(store::Store& store);

/// status, pause, resume, sessions, settle-by-hand. What the desk refers to must outlive them.
AdminCommands shop_commands(const ShopDesk& desk);

} // namespace adit::app
