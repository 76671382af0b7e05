// operate/check_config.h - what the config by itself tells: load_config's complaints, each under the name of its
// subject.
#pragma once

#include "operate/side_by_side.h"

#include "app/config.h"

namespace adit::operate {

/// Pure. One finding for each complaint; "config" is ok where there is none that fails.
Findings judge_config(const app::LoadedConfig& loaded, const std::filesystem::path& path);

/// Pure. Whether anything of the price list can be bought.
Findings judge_prices(std::span<const protocol::Price> prices);

/// Pure. Keys that must not be one key.
Findings judge_keys(const app::Config& config);

/// Pure. `wallet_keys`: of the operator's NIP-60 wallet, as far as relays have it. Fails where the sales key is one.
Finding judge_wallet_keys(std::span<const protocol::PublicKey> sales_keys,
                          std::span<const protocol::PublicKey> wallet_keys);

} // namespace adit::operate
