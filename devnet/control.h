// devnet/control.h - the world's own HTTP port: faults in, facts out. README.md describes the JSON.
#pragma once

#include "devnet/lightning_control.h"
#include "devnet/mint_server.h"
#include "devnet/relay_server.h"
#include "http/router.h"

namespace adit::devnet {

/// What the routes act on; all of it must outlive the server they are given to.
struct ControlTarget {
    Mint& mint;
    Faults& faults;
    Relay& relay;
    RelayServer& relay_server;
    const MintServer& mint_server;
    const Clock& clock;
    LightningControl lightning;
};

/// Handlers for the loop thread that owns the target.
http::Router control_routes(ControlTarget target);

} // namespace adit::devnet
