// operate/check_lightning.h - whether the Lightning node takes our orders, and whether anybody could pay it.
#pragma once

#include "operate/side_by_side.h"

#include "app/config.h"
#include "base/money.h"
#include "base/rng.h"

namespace adit::operate {

/// What the node could be paid before it needs more channels.
struct Inbound {
    std::size_t channels = 0; // usable ones
    Sat room;
};

/// Of phoenixd's /getinfo, and of LND's /v1/balance/channels with the number of active channels of /v1/getinfo.
/// Errors: bad_encoding.
Result<Inbound> parse_phoenixd_inbound(std::string_view getinfo);
Result<Inbound> parse_lnd_inbound(std::string_view balance, std::string_view getinfo);

// ---- pure

/// Of an act that failed: a wrong password, certificate or macaroon, or nobody there.
Finding judge_node_error(app::LightningBackend backend, const Error& error);
/// `cheapest` and `dearest`: of one unit of what is sold.
Finding judge_inbound(app::LightningBackend backend, const Inbound& inbound, Sat cheapest, Sat dearest);

/// Asks the node what it is, and (LND) whether the macaroon may look an invoice up and cancel one, with the hash of
/// none. Changes nothing. Each request 6 s.
Findings look_at_lightning(const app::LightningConfig& lightning, Sat cheapest, Sat dearest, Rng& rng);

} // namespace adit::operate
