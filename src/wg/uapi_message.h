// wg/uapi_message.h - requests and answers of the cross-platform userspace API of WireGuard. Pure: text in, text out.
#pragma once

#include "wg/device.h"
#include "wg/wiped_bytes.h"

namespace adit::wg::uapi {

inline constexpr std::string_view kGetRequest = "get=1\n\n";
/// Of one answer; 10,000 peers take some 3.5 MB.
inline constexpr std::size_t kAnswerLimit = std::size_t{64} * 1024 * 1024;

/// One set request, with the empty line that ends it. Each put states all we want of a peer: no preshared key is
/// written as zeros, which take an old one away.
WipedText encode_set(std::span<const PeerChange> changes);

/// Sets the device's own private key and port; peers are not named, so they stay.
WipedText encode_configure(const DeviceSettings& settings);

/// The part of `answer` up to and with the empty line that ends it is complete; searching starts at `from`.
bool is_complete(std::string_view answer, std::size_t from);

/// A complete answer to encode_set or encode_configure. Errors: device_unavailable (refused, or malformed).
Result<void> parse_set_answer(std::string_view answer);
/// A complete answer to kGetRequest; keys that we do not know are passed over, and the values of secret ones are not
/// repeated in errors. Errors: device_unavailable (refused, or malformed).
Result<DeviceStatus> parse_get_answer(std::string_view answer);

} // namespace adit::wg::uapi
