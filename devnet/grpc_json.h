// devnet/grpc_json.h - JSON as LND's REST proxy reads and writes it: protobuf's mapping, and gRPC's errors.
#pragma once

#include "base/bytes.h"
#include "devnet/delivery.h"
#include "devnet/either.h"

#include <nlohmann/json.hpp>
#include <optional>

namespace adit::devnet {

/// The codes that LND answers with. What it does not classify is `unknown`.
enum class GrpcCode {
    unknown = 2,
    invalid_argument = 3,
    not_found = 5,
    already_exists = 6,
    unimplemented = 12,
};

struct GrpcError {
    GrpcCode code = GrpcCode::unknown;
    std::string message;
};
/// An error that LND does not classify.
inline GrpcError unknown(std::string message) { return {GrpcCode::unknown, std::move(message)}; }
template<typename T>
using Rpc = Either<T, GrpcError>;

/// {"code":5,"message":…,"details":[]} with the HTTP status of its code: 500, 400, 404, 409, 501.
HttpAnswer grpc_answer(const GrpcError& error);
/// The same as the message of a stream that has not begun: {"error":{…}}.
HttpAnswer grpc_stream_answer(const GrpcError& error);

/// A request's body. Unknown fields are refused, null is as absent.
class ProtoMessage {
public:
    /// An empty body is an empty message. Errors: invalid_argument.
    static Rpc<ProtoMessage> parse(std::string_view body, std::span<const std::string_view> known);

    /// Absent ones are 0, false and empty. 64-bit numbers come as numbers or strings. Errors: invalid_argument.
    Rpc<std::int64_t> number(const char* name) const;
    Rpc<std::string> text(const char* name) const;
    Rpc<bool> flag(const char* name) const;
    /// Either alphabet of base64, padded or not.
    Rpc<Bytes> bytes(const char* name) const;

private:
    explicit ProtoMessage(nlohmann::json object) : object_(std::move(object)) {}
    const nlohmann::json* find(const char* name) const;
    nlohmann::json object_;
};

/// Bytes in a path or query: either alphabet, but padded. Errors: invalid_argument.
Rpc<Bytes> parse_url_bytes(std::string_view name, std::string_view text);
/// A number in a query. Errors: invalid_argument.
Rpc<std::uint64_t> parse_url_number(std::string_view name, std::string_view text);

/// 64-bit integers are strings.
inline std::string proto64(std::uint64_t value) { return std::to_string(value); }
inline std::string proto64(std::int64_t value) { return std::to_string(value); }

} // namespace adit::devnet
