// app/nutzaps.h - what strangers have locked to the wallet's key, taken into the wallet. NIP-61. spec: Wallet
#pragma once

#include "app/wallet.h"
#include "payments/transfers.h"
#include "protocol/nip61.h"

namespace adit::app {

/// take_in() is for the relays' thread, step() for one background thread.
class Nutzaps {
public:
    struct Parts {
        store::Store& store;
        const payments::Mints& mints;
        payments::Transfers& transfers;
        std::function<Result<std::vector<protocol::SecretKey>>()> wallet_keys;
        const protocol::SecretKey& key; // the operator's
        const Clock& clock;
        Rng& rng;
    };
    /// What is referred to must outlive it.
    explicit Nutzaps(Parts parts) : parts_(std::move(parts)) {}

    void follow(nostr::RelayPool& relays);
    void on_work(std::function<void()> wake) { wake_ = std::move(wake); }
    void take_in(const protocol::Event& event);
    /// Redeems what came, each once, and tells relays of what was redeemed. Says how long until the next look.
    Milliseconds step();

private:
    /// False: the mint is silent, so it is tried again.
    bool redeem(const protocol::Event& event);
    Result<void> tell();

    const Parts parts_;
    std::function<void()> wake_ = [] {};
    std::mutex mutex_;
    std::vector<protocol::Event> came_;
};

} // namespace adit::app
