// protocol/purchase_comment.h - the purchase that rides in the comment of an LNURL payment, or in its URL.
// LUD-12, spec: Purchase with Lightning
#pragma once

#include "protocol/keys.h"
#include "protocol/listing.h"
#include "protocol/wireguard_key.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace adit::protocol {

struct PurchaseComment {
    std::string listing; // a-coordinate, as sent
    Price price;
    std::string protocol;
    WireguardKey client_key;
    std::optional<PublicKey> refund_key;
};
/// At most 4096 bytes. A space in client_pubkey is the `+` that some wallets make one of. `sold`: the protocols of the
/// listing. Errors: not_an_object, version_mismatch (another than "1", 1 or "vpn-marketplace/1"), no_listing,
/// bad_price, no_protocol, unsupported_protocol, no_client_pubkey, bad_request.
Result<PurchaseComment> parse_purchase_comment(std::string_view json, std::span<const std::string> sold);
std::string encode_purchase_comment(const PurchaseComment& comment);

/// A WireGuard key in a URL: base64 (a space stands for `+`), base64url or hex. Errors: bad_request.
Result<WireguardKey> parse_key_parameter(std::string_view text);

} // namespace adit::protocol
