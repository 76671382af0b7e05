// protocol/config_link.h - a delivered config inside a link to the operator's page that opens it.
// spec: Purchase with Lightning
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace adit::protocol {

/// `https://<public_host>/config-viewer#<base64url of the config>`.
std::string config_viewer_link(std::string_view public_host, std::string_view config);
/// The config in such a link; what is no such link is given back as it is (the action may carry the text itself).
/// Errors: bad_encoding.
Result<std::string> config_of_plaintext(std::string_view plaintext);

} // namespace adit::protocol
