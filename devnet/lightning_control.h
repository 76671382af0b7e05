// devnet/lightning_control.h - the routes of the control port about Lightning: payments, blocks, clocks, downtime.
#pragma once

#include "devnet/lnd.h"
#include "devnet/look_alike_server.h"
#include "devnet/phoenixd.h"
#include "http/router.h"

namespace adit::devnet {

/// What the routes act on; all of it must outlive the server they are given to.
struct LightningControl {
    Lightning& lightning;
    Phoenixd& phoenixd;
    LookAlikeServer& phoenixd_server;
    Lnd& lnd;
    LookAlikeServer& lnd_server;
};

/// Handlers for the loop thread that owns the target.
void add_lightning_routes(http::Router& router, LightningControl target);
/// What GET /state says of it.
nlohmann::json describe_lightning(const LightningControl& target);

} // namespace adit::devnet
