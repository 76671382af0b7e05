#include "devnet/grpc_json.h"

#include "protocol/json.h"

#include <algorithm>
#include <charconv>

namespace adit::devnet {
namespace {

using nlohmann::json;

int http_status_of(GrpcCode code)
{
    switch (code) {
    case GrpcCode::unknown:
        return 500;
    case GrpcCode::invalid_argument:
        return 400;
    case GrpcCode::not_found:
        return 404;
    case GrpcCode::already_exists:
        return 409;
    case GrpcCode::unimplemented:
        return 501;
    }
    return 500;
}

json describe_error(const GrpcError& error)
{
    return {{"code", static_cast<int>(error.code)}, {"message", error.message}, {"details", json::array()}};
}

GrpcError bad(std::string message) { return {GrpcCode::invalid_argument, std::move(message)}; }

template<typename Number>
std::optional<Number> parse_number(std::string_view text)
{
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

} // namespace

HttpAnswer grpc_answer(const GrpcError& error) { return {http_status_of(error.code), describe_error(error).dump()}; }

HttpAnswer grpc_stream_answer(const GrpcError& error)
{
    return {http_status_of(error.code), json{{"error", describe_error(error)}}.dump()};
}

Rpc<ProtoMessage> ProtoMessage::parse(std::string_view body, std::span<const std::string_view> known)
{
    if (body.empty()) return ProtoMessage(json::object());
    auto object = protocol::parse_json(body);
    if (!object || !object->is_object()) return bad("proto: syntax error (line 1:1): unexpected token");
    for (const auto& [name, value] : object->items())
        if (std::find(known.begin(), known.end(), name) == known.end())
            return bad("proto: (line 1:2): unknown field \"" + name + "\"");
    return ProtoMessage(std::move(*object));
}

const json* ProtoMessage::find(const char* name) const
{
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
}

Rpc<std::int64_t> ProtoMessage::number(const char* name) const
{
    const json* const value = find(name);
    if (!value) return std::int64_t{0};
    std::optional<std::int64_t> number;
    if (value->is_string()) number = parse_number<std::int64_t>(value->get_ref<const std::string&>());
    if (value->is_number_integer()) number = parse_number<std::int64_t>(value->dump());
    if (!number) return bad("proto: (line 1:2): invalid value for int64 field " + std::string(name));
    return *number;
}

Rpc<std::string> ProtoMessage::text(const char* name) const
{
    const json* const value = find(name);
    if (!value) return std::string();
    if (!value->is_string()) return bad("proto: (line 1:2): invalid value for string field " + std::string(name));
    return value->get<std::string>();
}

Rpc<bool> ProtoMessage::flag(const char* name) const
{
    const json* const value = find(name);
    if (!value) return false;
    if (!value->is_boolean()) return bad("proto: (line 1:2): invalid value for bool field " + std::string(name));
    return value->get<bool>();
}

Rpc<Bytes> ProtoMessage::bytes(const char* name) const
{
    const json* const value = find(name);
    if (!value) return Bytes();
    if (value->is_string()) {
        auto bytes = parse_base64_any(value->get_ref<const std::string&>());
        if (bytes) return std::move(*bytes);
    }
    return bad("proto: (line 1:2): invalid value for bytes field " + std::string(name));
}

Rpc<Bytes> parse_url_bytes(std::string_view name, std::string_view text)
{
    auto bytes = parse_base64_any(text);
    if (text.size() % 4 == 0 && bytes) return std::move(*bytes);
    return bad("type mismatch, parameter: " + std::string(name) + ", error: illegal base64 data at input byte " +
               std::to_string(text.size() / 4 * 4));
}

Rpc<std::uint64_t> parse_url_number(std::string_view name, std::string_view text)
{
    const auto number = parse_number<std::uint64_t>(text);
    if (!number)
        return bad("parsing field \"" + std::string(name) + "\": strconv.ParseUint: parsing \"" + std::string(text) +
                   "\": invalid syntax");
    return *number;
}

} // namespace adit::devnet
