#include "protocol/config_link.h"

#include "base/bytes.h"

namespace adit::protocol {

namespace {
constexpr std::string_view kPage = "/config-viewer#";
}

std::string config_viewer_link(std::string_view public_host, std::string_view config)
{
    std::string link = "https://";
    link.append(public_host).append(kPage).append(encode_base64url(as_bytes(config)));
    return link;
}

Result<std::string> config_of_plaintext(std::string_view plaintext)
{
    const std::size_t page = plaintext.find(kPage);
    const bool is_link = page != std::string_view::npos && page < plaintext.find('\n') &&
                         (plaintext.starts_with("https://") || plaintext.starts_with("http://"));
    if (!is_link) return std::string(plaintext);
    const Bytes config = TRY(parse_base64_any(plaintext.substr(page + kPage.size())));
    if (!is_utf8(as_text(config))) return Error{Reason::bad_encoding, "a config link without text in it"};
    return std::string(as_text(config));
}

} // namespace adit::protocol
