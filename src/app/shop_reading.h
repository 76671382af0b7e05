// app/shop_reading.h - how the shop stands at one moment: what /metrics and `adit top` show, beside what metrics.h
// counts.
#pragma once

#include "app/shop_commands.h"
#include "payments/mints.h"
#include "protocol/info.h"
#include "wg/address_pool.h"

namespace adit::app {

struct ReadingDesk {
    ShopDesk shop;
    Tunnels& tunnels;
    wg::AddressPool& pool;
    const payments::Mints& mints;
    const LightningNode* lightning; // none: no Lightning
    std::function<protocol::Health()> health;
    const Clock& clock;
};

struct MintReading {
    std::string url;
    bool answers = false;                           // it did when it was asked last, and may be sold for
    std::optional<UnixSeconds> keysets_expire = {}; // the first of those in use that does
    Sat unspent;                                    // of ours
};

struct LightningReading {
    std::string backend; // as in the config
    bool answers = false;
};

/// On the disk of the database.
struct DiskReading {
    std::uint64_t database_bytes = 0;
    std::uint64_t log_bytes = 0; // SQLite's write-ahead log
    std::uint64_t free_bytes = 0;
    std::uint64_t size_bytes = 0;
};

struct ShopReading {
    protocol::Health health;
    bool paused = false;
    std::size_t sessions = 0;
    wg::Traffic carried;
    std::uint64_t addresses = 0;
    std::uint64_t addresses_free = 0;
    std::vector<nostr::RelayStatus> relays;
    std::vector<MintReading> mints; // of the config
    Sat unspent_elsewhere;          // of ours, at mints that the config does not name any more
    std::optional<LightningReading> lightning = {};
    http::ServerStats served;
    DiskReading disk;
    // None while the store does not answer.
    std::optional<store::Store::Standing> standing = {};
    std::optional<std::uint64_t> owed = {}; // purchases
    Sat owed_sats;
};

/// Asks nobody outside. Blocking: from workers; some milliseconds, whatever the shop's history.
ShopReading read_shop(const ReadingDesk& desk);

} // namespace adit::app
