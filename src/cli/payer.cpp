#include "cli/payer.h"

#include "base/file.h"
#include "cli/market.h"
#include "cli/payer_lnd.h"
#include "cli/payer_phoenixd.h"

namespace adit::cli {

namespace {

constexpr std::string_view kLndUrl = "https://127.0.0.1:8080";
constexpr std::string_view kPhoenixdUrl = "http://127.0.0.1:9740";
constexpr std::size_t kMostSecretBytes = 64 * 1024;
constexpr std::uint64_t kMostFee = 100'000'000;

Error wrong_payer(std::string what) { return Error{Reason::bad_request, std::move(what)}; }

Sat default_max_fee(Sat price) { return Sat(price.count() / 100 + 10); }

} // namespace

Result<std::optional<PayerChoice>> parse_payer_choice(const Arguments& arguments)
{
    const auto with = arguments.value("--pay-with");
    const auto macaroon = arguments.value("--pay-macaroon-file");
    const auto password = arguments.value("--pay-password-file");
    if (!with) {
        for (const char* name :
             {"--pay-url", "--pay-macaroon-file", "--pay-password-file", "--pay-cert-file", "--pay-max-fee"})
            if (arguments.has(name)) return wrong_payer(std::string(name) + " needs --pay-with");
        return std::optional<PayerChoice>();
    }
    PayerChoice choice;
    if (*with == "lnd") {
        if (!macaroon || password) return wrong_payer("--pay-with lnd takes --pay-macaroon-file");
        choice = {PayerChoice::Kind::lnd, std::string(kLndUrl), *macaroon, "", {}};
    } else if (*with == "phoenixd") {
        if (!password || macaroon) return wrong_payer("--pay-with phoenixd takes --pay-password-file");
        if (arguments.has("--pay-max-fee")) return wrong_payer("phoenixd's fee is fixed: --pay-max-fee is for lnd");
        choice = {PayerChoice::Kind::phoenixd, std::string(kPhoenixdUrl), *password, "", {}};
    } else {
        return wrong_payer("--pay-with takes lnd or phoenixd");
    }
    if (const auto url = arguments.value("--pay-url")) choice.url = *url;
    if (!host_of_url(choice.url)) return wrong_payer("--pay-url takes an http or https URL");
    while (choice.url.ends_with('/')) choice.url.pop_back();
    if (const auto cert = arguments.value("--pay-cert-file")) choice.cert_file = *cert;
    if (arguments.has("--pay-max-fee")) choice.max_fee = Sat(TRY(arguments.number("--pay-max-fee", 1, kMostFee)));
    return std::optional(std::move(choice));
}

Result<std::unique_ptr<Payer>> make_payer(const PayerChoice& choice, Sat price, payments::HttpClient& http)
{
    std::string secret = TRY(read_file(choice.secret_file, kMostSecretBytes));
    if (secret.empty()) return Error{Reason::bad_config, choice.secret_file + " is empty"};
    switch (choice.kind) {
    case PayerChoice::Kind::lnd:
        return std::unique_ptr<Payer>(std::make_unique<LndPayer>(
            http, LndPayer::Access{choice.url, LndPayer::header(std::move(secret)), choice.cert_file},
            choice.max_fee.value_or(default_max_fee(price))));
    case PayerChoice::Kind::phoenixd:
        while (secret.ends_with('\n') || secret.ends_with('\r') || secret.ends_with(' ')) secret.pop_back();
        return std::unique_ptr<Payer>(std::make_unique<PhoenixdPayer>(
            http, PhoenixdPayer::Access{choice.url, PhoenixdPayer::header(std::move(secret)), choice.cert_file}));
    }
    return Error{Reason::bad_config, "no such node"};
}

} // namespace adit::cli
