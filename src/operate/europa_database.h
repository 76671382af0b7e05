// operate/europa_database.h - the table of sessions of europa-node, the marketplace's reference daemon, as it stands.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace adit::operate {

/// One row. Every column as text, cut to 200 bytes; none for NULL: nothing of it has been judged yet.
struct EuropaSession {
    using Text = std::optional<std::string>;
    Text session_id;
    Text protocol;
    Text client_identity;
    Text assigned_ip;
    Text purchased_at;
    Text expires_at;
    Text data_quota_bytes;
    Text data_used_bytes;
    Text price_amount;
    Text price_currency;
    Text price_unit;
    Text payment_method;
    Text status;
    Text last_rx_counter;
    Text last_tx_counter;
    Text payment_hash;
    Text listing_d_tag;
};

struct EuropaDatabase {
    std::vector<EuropaSession> sessions; // neither expired nor revoked, in the order of their rows
    std::uint64_t over = 0;              // how many are
};

/// From a copy: the file and what is beside it are only read. Errors: io (the file), bad_config (it is not
/// europa-node's database, or is damaged), in words for the operator.
Result<EuropaDatabase> read_europa_database(const std::filesystem::path& path);

} // namespace adit::operate
