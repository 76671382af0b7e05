// app/config_viewer.h - the page that opens a delivered config in the buyer's browser. spec: Config viewer
#pragma once

#include "http/message.h"
#include "protocol/wireguard_key.h"

namespace adit::app {

/// What the page holds a link against, and the operator's name on it.
struct ConfigViewerOptions {
    protocol::WireguardKey server_key; // the device's, as delivered configs name it
    std::string endpoint;              // as in delivered configs: "host:51820" or "[v6]:port"
    std::string title;                 // of the listing; may say anything
};

/// The answer to GET /config-viewer, with the headers that confine the page. About 75 kB, and the same for every
/// request: whoever knows the device's key can make it once.
http::Response config_viewer_page(const ConfigViewerOptions& options);

} // namespace adit::app
