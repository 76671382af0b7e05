#include "protocol/purchase_comment.h"

#include "protocol/constants.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"
#include "protocol/purchase_keys.h"

#include <algorithm>

namespace adit::protocol {

namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kMaxCommentBytes = 4096;

bool is_our_version(const Json& object)
{
    const Json* const version = member(object, "version");
    if (version == nullptr) return false;
    if (const std::string* const text = text_of(*version)) return *text == "1" || *text == kSpecVersion;
    return whole_number(*version, 1) == 1;
}

std::optional<Price> price_of(const Json& object)
{
    const Json* const value = member(object, "price");
    if (value == nullptr || !value->is_array()) return std::nullopt;
    Tag tag;
    for (const Json& element : *value) {
        const std::string* const text = text_of(element);
        if (text == nullptr) return std::nullopt;
        tag.push_back(*text);
    }
    return parse_price_tag(tag);
}

} // namespace

Result<PurchaseComment> parse_purchase_comment(std::string_view json, std::span<const std::string> sold)
{
    if (json.size() > kMaxCommentBytes) return Error{Reason::bad_request, "comment over 4096 bytes"};
    const auto object = parse_json(json);
    if (!object || !object->is_object()) return Error{Reason::not_an_object, "comment is no JSON object"};
    if (!is_our_version(*object)) return Error{Reason::version_mismatch, "comment of another version"};
    const std::string* const listing = text_member(*object, "listing");
    if (listing == nullptr || listing->empty()) return Error{Reason::no_listing, "comment without a listing"};
    auto price = price_of(*object);
    if (!price) return Error{Reason::bad_price, "comment without a price tag"};
    const std::string* const protocol = text_member(*object, "protocol");
    if (protocol == nullptr || protocol->empty()) return Error{Reason::no_protocol, "comment without a protocol"};
    if (std::find(sold.begin(), sold.end(), *protocol) == sold.end())
        return Error{Reason::unsupported_protocol, "protocol is not sold"};
    const WireguardKey client_key = TRY(client_key_of(*object, KeySpelling::any));
    const std::optional<PublicKey> refund_key = TRY(refund_key_of(*object));
    return PurchaseComment{*listing, std::move(*price), *protocol, client_key, refund_key};
}

std::string encode_purchase_comment(const PurchaseComment& comment)
{
    OrderedJson object{{"version", kSpecVersion},
                       {"listing", comment.listing},
                       {"price", price_tag(comment.price)},
                       {"protocol", comment.protocol},
                       {"client_pubkey", comment.client_key.base64()}};
    if (comment.refund_key) object["refund_pubkey"] = comment.refund_key->hex();
    return object.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Result<WireguardKey> parse_key_parameter(std::string_view text)
{
    constexpr std::size_t kHexDigits = 64;
    constexpr std::size_t kUnpadded = 43;
    std::string base64(text);
    if (text.size() == kHexDigits) {
        const auto bytes = parse_hex(text);
        if (!bytes) return Error{Reason::bad_request, "64 characters that are no hex"};
        base64 = encode_base64(*bytes);
    } else {
        std::replace(base64.begin(), base64.end(), ' ', '+'); // what form decoding made of it
        std::replace(base64.begin(), base64.end(), '-', '+');
        std::replace(base64.begin(), base64.end(), '_', '/');
        if (base64.size() == kUnpadded) base64.push_back('=');
    }
    const auto key = WireguardKey::parse_base64(base64);
    if (!key) return Error{Reason::bad_request, key.error().detail};
    return *key;
}

} // namespace adit::protocol
