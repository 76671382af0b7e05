#include "protocol/purchase_keys.h"

#include "protocol/json_fields.h"
#include "protocol/purchase_comment.h"

namespace adit::protocol {

namespace {

Error bad(std::string detail) { return Error{Reason::bad_request, std::move(detail)}; }

} // namespace

Result<WireguardKey> client_key_of(const nlohmann::json& object, KeySpelling spelling)
{
    const nlohmann::json* const value = given_member(object, "client_pubkey");
    if (value == nullptr) return Error{Reason::no_client_pubkey, "no client_pubkey"};
    const std::string* const text = text_of(*value);
    if (text == nullptr) return bad("client_pubkey is no text");
    const auto key = spelling == KeySpelling::any ? parse_key_parameter(*text) : WireguardKey::parse_base64(*text);
    if (!key) return bad("client_pubkey: " + key.error().detail);
    return *key;
}

Result<std::optional<PublicKey>> refund_key_of(const nlohmann::json& object)
{
    const nlohmann::json* const value = given_member(object, "refund_pubkey");
    if (value == nullptr) return std::optional<PublicKey>();
    const std::string* const text = text_of(*value);
    if (text == nullptr) return bad("refund_pubkey is no text");
    const auto key = PublicKey::parse_hex(*text);
    if (!key) return bad("refund_pubkey: " + key.error().detail);
    return std::optional(*key);
}

} // namespace adit::protocol
