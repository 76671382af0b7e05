// app/money_commands.h - what the operator asks at the admin socket about the wallet: what is there, what has happened,
// what is to be moved. spec: Admin socket
#pragma once

#include "app/admin.h"
#include "payments/http_client.h"
#include "payments/transfers.h"
#include "store/store.h"

namespace adit::app {

struct MoneyDesk {
    store::Store& store;
    payments::Transfers* transfers; // none: there is no sales key, so no ecash
    const payments::Mints& mints;
    payments::HttpClient& http; // for Lightning addresses
    const Clock& clock;
    std::function<void()> moved; // called after a command has moved something
};

/// wallet-balance, wallet-history, wallet-transfer, wallet-send, wallet-withdraw, wallet-audit. What the desk refers to
/// must outlive them.
AdminCommands money_commands(const MoneyDesk& desk);

} // namespace adit::app
