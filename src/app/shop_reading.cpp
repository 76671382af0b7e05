#include "app/shop_reading.h"

#include <filesystem>

namespace adit::app {

namespace {

MintReading read_mint(const payments::Mint& mint, UnixSeconds now)
{
    MintReading reading;
    reading.url = mint.url();
    const auto page = mint.book().page();
    reading.answers = !mint.silent() && mint.for_wallet_outputs(*page);
    for (const payments::cashu::Keyset& keyset : page->keysets) {
        if (!keyset.active || keyset.keys.empty() || !keyset.final_expiry || keyset.expired(now)) continue;
        if (!reading.keysets_expire || *keyset.final_expiry < *reading.keysets_expire)
            reading.keysets_expire = keyset.final_expiry;
    }
    return reading;
}

DiskReading read_disk(const std::filesystem::path& database)
{
    // What can not be read is zero: the alert on free space is right to ring then.
    std::error_code ignored;
    const auto size_of = [&](const std::filesystem::path& file) {
        const auto size = std::filesystem::file_size(file, ignored);
        return ignored ? 0 : static_cast<std::uint64_t>(size);
    };
    DiskReading disk;
    disk.database_bytes = size_of(database);
    disk.log_bytes = size_of(database.string() + "-wal");
    const auto space = std::filesystem::space(database.parent_path(), ignored);
    if (!ignored) {
        disk.free_bytes = space.available;
        disk.size_bytes = space.capacity;
    }
    return disk;
}

void count_wallet(ShopReading& reading)
{
    for (const auto& held : reading.standing->wallet) {
        const auto mint = std::ranges::find(reading.mints, held.mint, &MintReading::url);
        Sat& at = mint == reading.mints.end() ? reading.unspent_elsewhere : mint->unspent;
        at = sum(at, held.unspent).value_or(at);
    }
}

} // namespace

ShopReading read_shop(const ReadingDesk& desk)
{
    const Config& config = desk.shop.shop.config;
    ShopReading reading;
    reading.health = desk.health();
    reading.paused = desk.shop.shop.paused;
    reading.sessions = desk.tunnels.live();
    reading.carried = desk.tunnels.carried();
    reading.addresses = desk.pool.size();
    reading.addresses_free = desk.pool.free();
    reading.relays = desk.shop.relays.status();
    for (const auto& mint : desk.mints.all()) reading.mints.push_back(read_mint(*mint, desk.clock.now()));
    if (desk.lightning)
        reading.lightning = LightningReading{config.lightning.backend == LightningBackend::lnd ? "lnd" : "phoenixd",
                                             desk.lightning->usable()};
    reading.served = desk.shop.served();
    reading.disk = read_disk(config.database.ours);

    if (auto standing = desk.shop.store.standing()) {
        reading.standing = std::move(*standing);
        count_wallet(reading);
    }
    if (const auto all = owed(desk.shop)) {
        reading.owed = all->size();
        for (const store::Purchase& purchase : *all)
            reading.owed_sats = sum(reading.owed_sats, purchase.price).value_or(reading.owed_sats);
    }
    return reading;
}

} // namespace adit::app
