// app/wallet_upkeep.h - what the wallet does by itself: pays out what has come together, and keeps its proofs few and
// of keysets that last. Off the path of sales: one background thread. spec: Transfers
#pragma once

#include "app/config.h"
#include "payments/transfers.h"

#include <map>

namespace adit::app {

/// step() is for one background thread.
class WalletUpkeep {
public:
    struct Parts {
        const WalletConfig& config;
        const payments::Mints& mints;
        payments::Journal& journal;
        payments::TransferJournal& open_ones;
        payments::Transfers& transfers;
        payments::HttpClient& http; // for the Lightning address
        const Clock& clock;
        std::function<void()> moved = [] {};
    };
    /// What is referred to must outlive it.
    explicit WalletUpkeep(Parts parts) : parts_(std::move(parts)) {}

    /// Says how long until the next look.
    Milliseconds step();

private:
    struct Held {
        payments::Mint* mint;
        std::vector<payments::cashu::Proof> proofs;
    };
    /// True: something was begun, whatever came of it.
    bool save_from_old_keysets(const Held& held);
    bool gather_small(const Held& held);
    bool sweep(const Held& held);
    bool is_moving(const payments::Mint& mint) const;
    void run(const Held& held, const std::vector<payments::cashu::Proof>& proofs, const char* why);

    const Parts parts_;
    struct Rest {
        SteadyTime until;
        Milliseconds length{0};
    };
    std::map<std::string, Rest> resting_; // mints whose last sweep came to nothing
};

} // namespace adit::app
