// protocol/purchase_keys.h - the buyer's two keys, wherever a purchase is written down: in a body, a comment or a URL.
// Internal to the .cpp files that parse those. spec: Purchase with Cashu, Purchase with Lightning
#pragma once

#include "protocol/keys.h"
#include "protocol/wireguard_key.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace adit::protocol {

/// How `client_pubkey` may be spelled.
enum class KeySpelling {
    base64, // as WireGuard writes it
    any,    // what went through a URL: see parse_key_parameter
};

/// Member `client_pubkey`. Errors: no_client_pubkey (absent or null), bad_request.
Result<WireguardKey> client_key_of(const nlohmann::json& object, KeySpelling spelling);
/// Member `refund_pubkey`; none where it is absent or null. Errors: bad_request.
Result<std::optional<PublicKey>> refund_key_of(const nlohmann::json& object);

} // namespace adit::protocol
