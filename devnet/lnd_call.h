// devnet/lnd_call.h - a request to the look-alike of LND, taken apart. Internal to its .cpp files.
#pragma once

#include "devnet/lnd.h"

namespace adit::devnet {

struct Lnd::Call {
    const http::Request& request;
    std::string parameter; // the last segment of the path, where the route ends in '/'
    ProtoMessage message;  // the body
};

/// "invalid hash length of 31, want 32": `what` is hash or preimage.
inline Rpc<ByteArray<32>> parse_32_bytes(std::string_view what, ByteView bytes)
{
    if (bytes.size() != 32)
        return GrpcError{GrpcCode::unknown,
                         "invalid " + std::string(what) + " length of " + std::to_string(bytes.size()) + ", want 32"};
    ByteArray<32> out{};
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}

/// One message of a stream.
inline std::string stream_message(const nlohmann::json& result)
{
    return nlohmann::json{{"result", result}}.dump() + "\n";
}

/// What features of an invoice look like: those of bolt11.h.
inline nlohmann::json invoice_features()
{
    return {{"8", {{"name", "tlv-onion"}, {"is_required", true}, {"is_known", true}}},
            {"14", {{"name", "payment-addr"}, {"is_required", true}, {"is_known", true}}}};
}

} // namespace adit::devnet
