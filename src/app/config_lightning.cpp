#include "app/config_lightning.h"

#include "app/config_values.h"
#include "protocol/constants.h"
#include "protocol/lnurl.h"
#include "protocol/purchase_auth.h"

namespace adit::app {

namespace {

SecretText read_api_token(Section& section, Reading& reading)
{
    auto token = section.secret("api_token");
    const auto file = section.text("api_token_file");
    if (token.value) reading.inline_secrets = true;
    if (token.value && file.value)
        section.error(file.place, "api_token_file", "stands beside api_token, expected one of them");
    else if (file.value)
        token.value = read_secret_file(reading, section, "api_token_file", reading.path(*file.value), file.place);
    return token.value ? SecretText(std::move(*token.value)) : SecretText();
}

/// A secret that somebody else reads later: whether it is there and closed, now.
std::filesystem::path secret_file(Section& section, Reading& reading, std::string_view key,
                                  const Read<std::optional<std::string>>& file)
{
    std::filesystem::path path = reading.path(*file.value);
    auto text = read_secret_file(reading, section, key, path, file.place);
    if (text) SecretText::wipe(*text);
    return path;
}

void read_lnd(Section& section, Reading& reading, LightningConfig& lightning, Place place)
{
    const bool needed = lightning.enabled && lightning.backend == LightningBackend::lnd;
    const auto macaroon = section.text("macaroon_file");
    if (macaroon.value)
        lightning.macaroon_file = secret_file(section, reading, "macaroon_file", macaroon);
    else if (needed && !macaroon.given)
        section.error(place, "macaroon_file",
                      "is missing, expected a macaroon with invoices:read, invoices:write and info:read");
    const auto certificate = section.text("tls_cert_file");
    if (certificate.value)
        lightning.tls_cert_file = reading.path(*certificate.value);
    else if (needed && !certificate.given)
        section.error(place, "tls_cert_file", "is missing, expected LND's tls.cert");
}

} // namespace

LightningConfig read_lightning(Section section, Reading& reading)
{
    LightningConfig lightning;
    const auto enabled = section.flag("enabled");
    lightning.enabled = enabled.value;
    const auto backend = section.choice("backend");
    if (backend.value == "phoenixd")
        lightning.backend = LightningBackend::phoenixd;
    else if (backend.value == "lnd")
        lightning.backend = LightningBackend::lnd;
    else if (enabled.value && !backend.wrong)
        section.warn(enabled.place, "backend",
                     "stub makes no invoices, so that Lightning is not listed; expected \"phoenixd\" or \"lnd\"");
    const bool lnd = lightning.backend == LightningBackend::lnd;
    const auto base_url = section.text("base_url");
    const auto url = base_url.value ? parse_url(*base_url.value) : std::nullopt;
    lightning.base_url = base_url.value.value_or(lnd ? "https://127.0.0.1:8080" : "http://127.0.0.1:9740");
    if (base_url.value && (!url || !is_web(*url)))
        section.error(base_url.place, "base_url",
                      "is no URL, expected e.g. \"" +
                          std::string(lnd ? "https://127.0.0.1:8080" : "http://127.0.0.1:9740") + "\"");
    else if (url && lnd && url->scheme != "https")
        section.error(base_url.place, "base_url", "is not https, expected e.g. \"https://127.0.0.1:8080\"");
    lightning.api_token = read_api_token(section, reading);
    if (lightning.sells() && lightning.backend == LightningBackend::phoenixd && lightning.api_token.empty())
        section.error(enabled.place, "api_token_file",
                      "is missing, expected a file with phoenixd's http-password-limited-access");
    const auto hold = section.flag("hold");
    lightning.hold = hold.value;
    if (hold.value && lightning.sells() && !lnd)
        section.error(hold.place, "hold", "is not to be had of phoenixd, expected backend = \"lnd\" or hold = false");
    if (section.choice("success_action").value == "text") lightning.success_action = SuccessAction::text;
    read_lnd(section, reading, lightning, enabled.place);
    section.unknown();
    return lightning;
}

void check_lightning(Section listing, ListingPart& part, const LightningConfig& lightning, const ServerConfig& server)
{
    bool listed = false;
    for (const auto& method : part.lightning) {
        const auto pay = protocol::parse_lnurl(method.endpoint);
        const auto url = pay ? parse_url(*pay) : std::nullopt;
        if (!url)
            listing.error(method.endpoint_place, "payment_methods.endpoint",
                          "is no LNURL-pay address, expected https://<public_host>/lnurlp");
        else if (!server.public_host.empty() && !protocol::same_host(url->host, server.public_host))
            listing.error(method.endpoint_place, "payment_methods.endpoint",
                          "is not on server.public_host, expected https://" + server.public_host + "/lnurlp");
        else if (!pay->ends_with("/lnurlp"))
            listing.error(method.endpoint_place, "payment_methods.endpoint",
                          "has another path than aditd answers, expected https://" + server.public_host + "/lnurlp");
        if (!lightning.enabled) {
            listing.error(
                method.place, "payment_methods",
                "lightning is listed but [lightning] is not enabled, expected enabled = true or no such method");
        } else if (method.mechanism != protocol::kLnurlPay) {
            listing.warn(method.place, "payment_methods.mechanism",
                         "is not what aditd sells by and will not be listed, expected \"lnurl-pay\"");
        } else if (lightning.sells()) {
            part.listing.payments.emplace_back(protocol::LightningPayment{method.endpoint, method.mechanism});
            listed = true;
        }
    }
    if (lightning.sells() && !listed)
        listing.error(part.payments_place, "payment_methods",
                      "has no lightning method, expected one with endpoint = \"https://" + server.public_host +
                          "/lnurlp\" and mechanism = \"lnurl-pay\"");
    if (part.listing.payments.empty() && !part.lightning.empty() && lightning.enabled && !lightning.sells())
        listing.error(part.payments_place, "payment_methods",
                      "has nothing that can be paid with, expected a cashu method or a Lightning backend");
}

} // namespace adit::app
