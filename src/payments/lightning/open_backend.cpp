#include "payments/lightning/open_backend.h"

#include "base/file.h"
#include "payments/lightning/lnd.h"
#include "payments/lightning/phoenixd.h"

#include <algorithm>

namespace adit::payments::lightning {
namespace {

constexpr std::size_t kMaxMacaroon = 16'384;
constexpr std::string_view kBlanks = " \t\r\n";

Error bad_setting(std::string what) { return Error{Reason::bad_config, std::move(what)}; }

Result<std::string> pinned_file(const std::filesystem::path& path)
{
    if (path.empty()) return std::string();
    const auto pem = read_file(path);
    if (!pem) return bad_setting("tls_cert_file: " + pem.error().detail);
    if (pem->find("-----BEGIN CERTIFICATE-----") == std::string::npos)
        return bad_setting("tls_cert_file: no certificate in PEM; LND writes one as tls.cert");
    return path.string();
}

/// Of the file as LND writes it, or of its hex, which is what people copy.
Result<SecretText> macaroon_header(const std::filesystem::path& path)
{
    if (path.empty()) return bad_setting("macaroon_file: needed for lnd");
    auto content = read_file(path, kMaxMacaroon);
    if (!content) return bad_setting("macaroon_file: " + content.error().detail);
    std::string_view text = *content;
    while (!text.empty() && kBlanks.find(text.back()) != std::string_view::npos) text.remove_suffix(1);
    auto from_hex = parse_hex(text);
    auto header = from_hex ? lnd_header(as_text(*from_hex)) : lnd_header(*content);
    if (from_hex) sodium_memzero(from_hex->data(), from_hex->size());
    const bool empty = text.empty();
    SecretText::wipe(*content);
    if (empty) return bad_setting("macaroon_file: the file is empty");
    return header;
}

} // namespace

Result<NodeAccess> node_access(const BackendOptions& options)
{
    const auto url = parse_node_url(options.base_url);
    if (!url) return bad_setting("base_url: " + url.error().detail);
    std::string ca_file = TRY(pinned_file(options.tls_cert_file));
    NodeAccess access{.name = {}, .url = *url, .header = {}, .ca_file = std::move(ca_file), .timeout = options.timeout};
    switch (options.kind) {
    case BackendKind::phoenixd:
        if (options.hold) return bad_setting("hold: phoenixd has no hold invoices; use lnd for them");
        if (options.password.empty())
            return bad_setting("api_token: needed for phoenixd: http-password-limited-access of its phoenix.conf");
        access.name = "phoenixd";
        access.header = phoenixd_header(options.password);
        return access;
    case BackendKind::lnd:
        if (url->security != NodeSecurity::tls) return bad_setting("base_url: LND is reached by https:// only");
        access.name = "lnd";
        access.header = TRY(macaroon_header(options.macaroon_file));
        return access;
    }
    return bad_setting("backend: neither phoenixd nor lnd");
}

Result<std::unique_ptr<Backend>> open_backend(BackendOptions options)
{
    NodeAccess access = TRY(node_access(options));
    switch (options.kind) {
    case BackendKind::phoenixd:
        return std::unique_ptr<Backend>(std::make_unique<PhoenixdBackend>(std::move(access)));
    case BackendKind::lnd:
        return std::unique_ptr<Backend>(
            std::make_unique<LndBackend>(std::move(access), options.hold ? Settling::held : Settling::at_once));
    }
    return bad_setting("backend: neither phoenixd nor lnd");
}

} // namespace adit::payments::lightning
