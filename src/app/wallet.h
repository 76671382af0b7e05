// app/wallet.h - the operator's NIP-60 wallet. SQLite is the truth; the relays hold an encrypted copy that any NIP-60
// client with the nsec can spend from. spec: Wallet
#pragma once

#include "base/clock.h"
#include "base/rng.h"
#include "nostr/relay_pool.h"
#include "payments/mints.h"
#include "protocol/nip60.h"
#include "store/store.h"

#include <atomic>
#include <functional>
#include <set>

namespace adit::app {

/// As the store and the mint have it. Errors: bad_encoding.
Result<payments::cashu::Proof> proof_of(const protocol::WalletProof& proof);

class Wallet {
public:
    struct Parts {
        store::Store& store;
        nostr::RelayPool& relays;
        const payments::Mints& mints;
        const protocol::SecretKey& key;              // the operator's nsec: author of all wallet events
        std::vector<protocol::PublicKey> sales_keys; // the one in use, and former ones
        const Clock& clock;
        Rng& rng;
    };
    /// What is referred to must outlive it.
    explicit Wallet(Parts parts);

    /// Whether the store has a wallet already: then relays never delay the start. Errors: store_unavailable.
    Result<bool> is_known() const;
    /// Where the store has one: sees that relays will be told of it. Else, blocking: loads the wallet that the relays
    /// have, or makes one if every relay says that there is none. Errors: relay_unavailable (some relay did not answer
    /// within `patience`: a wallet there would be replaced unread); bad_encoding (a wallet event of ours that we can
    /// not read); bad_config (the sales key is a wallet's key: nutzaps are locked to that, with their proofs in public,
    /// and anybody could pay with them).
    Result<void> find_or_make(Milliseconds patience, const std::vector<std::string>& relay_urls);

    /// Every key that ecash was ever locked to for this wallet. Errors: store_unavailable.
    Result<std::vector<protocol::SecretKey>> keys() const;
    /// Follows what other clients of the same nsec do: their token events are added to the store.
    void follow();
    /// Called when there are new proofs or events, so that the background thread looks.
    void on_work(std::function<void()> wake) { wake_ = std::move(wake); }
    /// In the background: writes token events for new proofs, takes back those of spent ones, asks the mints which
    /// proofs were spent elsewhere. Says how long until the next time.
    Milliseconds step();

private:
    nostr::FetchResult fetch_all(Milliseconds patience);
    Result<void> find(Milliseconds patience, const std::vector<std::string>& relay_urls);
    Result<void> check_sales_key() const;
    Result<void> adopt(const protocol::WalletState& found);
    Result<void> make(const std::vector<std::string>& relay_urls);
    Result<void> tell(const std::vector<std::string>& relay_urls);
    Result<void> remember(const std::vector<protocol::SecretKey>& keys);
    void take_in(const protocol::Event& event);
    void read_what_came();
    Result<void> publish_new_proofs();
    Result<void> take_back_spent();
    void look_for_spent_elsewhere();

    const Parts parts_;
    std::function<void()> wake_ = [] {};
    std::mutex mutex_;
    std::vector<protocol::Event> came_;   // from relays, not yet read
    std::set<protocol::EventId> written_; // token events of ours that did not come back from a relay yet
    SteadyTime next_check_;
};

} // namespace adit::app
