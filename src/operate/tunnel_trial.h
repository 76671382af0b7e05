// operate/tunnel_trial.h - a delivered config, brought up in a network namespace of its own and used. Nothing of the
// machine's own network is changed, and all of it is gone afterwards.
#pragma once

#include "base/result.h"
#include "operate/finding.h"
#include "protocol/wg_config.h"

#include <optional>

namespace adit::operate {

struct TunnelWaits {
    Milliseconds handshake{20'000};
    Milliseconds name{5'000};
    Milliseconds fetch{20'000};
};
inline constexpr std::size_t kMostFetched = std::size_t{64} << 20;

/// Why no tunnel can be brought up by this process; "" where it can. It takes root, and the programs ip and wg.
std::string tunnel_missing();

/// "handshake", "tunnel-dns" (the config's resolver is asked for a name) and, with a URL, "throughput". Blocking, for
/// the waits above and some 20 s in which programs start. Kernel WireGuard, else wireguard-go.
std::vector<Finding> try_tunnel(const protocol::ClientConfig& config, const std::optional<std::string>& fetch_url,
                                const TunnelWaits& waits = {});

} // namespace adit::operate
