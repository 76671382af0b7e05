#include "operate/shop_questions.h"

#include "cli/printable.h"
#include "wg/cidr.h"
#include "wg/host_routes.h"

#include <charconv>
#include <functional>

namespace adit::operate {

namespace {

using cli::Option;

constexpr Option kQuestionOptions[]{{"--public-host"},
                                    {"--endpoint-host"},
                                    {"--title"},
                                    {"--summary"},
                                    {"--d-tag"},
                                    {"--country"},
                                    {"--price", Option::Takes::values},
                                    {"--mint", Option::Takes::values},
                                    {"--relay", Option::Takes::values},
                                    {"--udp-port"},
                                    {"--interface"},
                                    {"--no-manage", Option::Takes::nothing},
                                    {"--subnet"},
                                    {"--subnet6"},
                                    {"--listen"},
                                    {"--port"},
                                    {"--lightning"},
                                    {"--lightning-url"},
                                    {"--phoenixd-password-file"},
                                    {"--lnd-macaroon-file"},
                                    {"--lnd-cert-file"},
                                    {"--hold", Option::Takes::nothing}};

Error wrong_answer(std::string what) { return Error{Reason::bad_request, std::move(what)}; }

Result<void> put(std::string& into, const std::string& text)
{
    into = text;
    return {};
}

Result<void> put_port(std::uint16_t& into, const std::string& text)
{
    std::uint16_t port = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failed != std::errc() || end != text.data() + text.size() || port == 0)
        return wrong_answer("is no port, expected 1 to 65535");
    into = port;
    return {};
}

Result<void> put_path(std::filesystem::path& into, const std::string& text)
{
    std::error_code failed;
    into = std::filesystem::absolute(text, failed);
    if (failed) return wrong_answer("is no path");
    return {};
}

std::string joined(const std::vector<std::string>& texts)
{
    std::string out;
    for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
    return out;
}

/// The first of 10.66.42.0/24, 10.66.43.0/24… that no route of this host touches.
std::string free_subnet(const std::string& interface)
{
    const auto host = wg::read_host_network();
    for (int third = 42; host && third < 256; ++third) {
        std::string text = "10.66." + std::to_string(third) + ".0/24";
        const auto subnet = wg::parse_cidr(text);
        if (subnet && !wg::overlapping_route(*host, *subnet, interface)) return text;
    }
    return "10.66.42.0/24";
}

std::string host_alone(const std::string& host)
{
    const std::size_t colon = host.rfind(':');
    if (colon == std::string::npos || host.find(']', colon) != std::string::npos) return host;
    return host.find(':') == colon || host.starts_with("[") ? host.substr(0, colon) : host;
}

/// One thing to know.
struct Question {
    const char* option;
    const char* config_key;                 // whose complaints are about the answer
    std::string words;                      // "": only as an option
    std::function<std::string()> otherwise; // none: there must be an answer
    std::function<Result<void>(const std::string& answer)> put;
    std::function<bool()> matters = [] { return true; };
};

std::vector<Question> questions(ShopAnswers& answers)
{
    const auto phoenixd = [&answers] { return answers.lightning == Lightning::phoenixd; };
    const auto lnd = [&answers] { return answers.lightning == Lightning::lnd; };
    const auto nothing = [] { return std::string(); };
    std::vector<Question> all;
    all.push_back({"--public-host",
                   "server.public_host",
                   "Host name that buyers use, in front of this daemon",
                   {},
                   [&answers](const std::string& text) { return put(answers.public_host, bare_host(text)); }});
    all.push_back({"--endpoint-host", "wireguard.endpoint_host", "Host that WireGuard clients dial",
                   [&answers] { return host_alone(answers.public_host); },
                   [&answers](const std::string& text) { return put(answers.endpoint_host, bare_host(text)); }});
    all.push_back({"--udp-port", "wireguard.endpoint_port", "UDP port that they dial", [] { return "51820"; },
                   [&answers](const std::string& text) { return put_port(answers.endpoint_port, text); }});
    all.push_back({"--title", "listing.title", "Title of the offer",
                   [&answers] { return "A tunnel from " + host_alone(answers.public_host); },
                   [&answers](const std::string& text) { return put(answers.title, text); }});
    all.push_back({"--price", "listing.prices",
                   "Prices in sats for one hour, day, week, month, GiB or TiB, with commas between",
                   [] { return "100/hour, 1000/day"; },
                   [&answers](const std::string& text) -> Result<void> {
                       std::vector<protocol::Price> prices;
                       for (const std::string& each : comma_separated(text)) prices.push_back(TRY(parse_price(each)));
                       answers.prices = std::move(prices);
                       return {};
                   }});
    all.push_back({"--lightning", "lightning", "Lightning backend: none, phoenixd or lnd", [] { return "none"; },
                   [&answers](const std::string& text) -> Result<void> {
                       if (text == "none")
                           answers.lightning = Lightning::none;
                       else if (text == "phoenixd")
                           answers.lightning = Lightning::phoenixd;
                       else if (text == "lnd")
                           answers.lightning = Lightning::lnd;
                       else
                           return wrong_answer("takes none, phoenixd or lnd");
                       return {};
                   }});
    all.back().config_key = "";
    all.push_back({"--lightning-url", "lightning.base_url", "", nothing,
                   [&answers](const std::string& text) { return put(answers.lightning_url, text); }});
    all.push_back({"--phoenixd-password-file",
                   "lightning.api_token_file",
                   "File with phoenixd's http-password-limited-access",
                   {},
                   [&answers](const std::string& text) { return put_path(answers.phoenixd_password_file, text); },
                   phoenixd});
    all.push_back({"--lnd-macaroon-file",
                   "lightning.macaroon_file",
                   "File with LND's macaroon (invoices:read invoices:write info:read)",
                   {},
                   [&answers](const std::string& text) { return put_path(answers.macaroon_file, text); },
                   lnd});
    all.push_back({"--lnd-cert-file",
                   "lightning.tls_cert_file",
                   "LND's tls.cert",
                   {},
                   [&answers](const std::string& text) { return put_path(answers.tls_cert_file, text); },
                   lnd});
    all.push_back({"--mint",
                   "listing.payment_methods.mint",
                   "Mints whose ecash you take and hold, with commas between",
                   {},
                   [&answers](const std::string& text) {
                       answers.mints = text == "none" ? std::vector<std::string>() : comma_separated(text);
                       return Result<void>();
                   }});
    all.push_back({"--relay", "nostr.relays", "Nostr relays for the listing and the wallet's copy",
                   [] { return joined(usual_relays()); },
                   [&answers](const std::string& text) {
                       answers.relays = comma_separated(text);
                       return Result<void>();
                   }});
    all.push_back({"--interface", "wireguard.interface", "", [] { return "wg0"; },
                   [&answers](const std::string& text) { return put(answers.interface, text); }});
    all.push_back({"--subnet", "wireguard.subnet_cidr", "Network for buyers' addresses",
                   [&answers] { return free_subnet(answers.interface); },
                   [&answers](const std::string& text) { return put(answers.subnet, text); }});
    all.push_back({"--subnet6", "wireguard.subnet_cidr6", "", nothing,
                   [&answers](const std::string& text) { return put(answers.subnet6, text); }});
    all.push_back({"--summary", "listing.summary", "", [&answers] { return answers.summary; },
                   [&answers](const std::string& text) { return put(answers.summary, text); }});
    all.push_back({"--d-tag", "listing.d_tag", "", [&answers] { return answers.d_tag; },
                   [&answers](const std::string& text) { return put(answers.d_tag, text); }});
    all.push_back({"--country", "listing.region", "", nothing,
                   [&answers](const std::string& text) { return put(answers.country, text); }});
    all.push_back({"--listen", "server.host", "", [&answers] { return answers.listen_host; },
                   [&answers](const std::string& text) { return put(answers.listen_host, text); }});
    all.push_back({"--port", "server.port", "", [] { return "8080"; },
                   [&answers](const std::string& text) { return put_port(answers.port, text); }});
    return all;
}

/// With something in each place that has no answer yet, so that the others can be judged.
ShopAnswers completed(ShopAnswers answers)
{
    if (answers.public_host.empty()) answers.public_host = "vpn.example.com";
    if (answers.endpoint_host.empty()) answers.endpoint_host = "vpn.example.com";
    if (answers.title.empty()) answers.title = "x";
    if (answers.prices.empty()) answers.prices = {{"1", "sat", "hour"}};
    if (answers.mints.empty() && answers.lightning == Lightning::none) answers.mints = {"https://mint.example.com"};
    if (answers.relays.empty()) answers.relays = usual_relays();
    if (answers.subnet.empty()) answers.subnet = "10.66.42.0/24";
    return answers;
}

/// Puts the answer and judges it. Errors: bad_request, in the words of the config.
Result<void> answer(const Question& question, const std::string& text, const ShopAnswers& answers,
                    const std::filesystem::path& folder, const ShopKeys& keys)
{
    TRY(question.put(text));
    if (*question.config_key == '\0') return {};
    const auto tried = try_config(shop_config(completed(answers), keys), folder, keys);
    const auto complaints = complaints_about(question.config_key, tried.errors);
    if (!complaints.empty()) return wrong_answer(complaints.front());
    return {};
}

} // namespace

std::span<const Option> question_options() { return kQuestionOptions; }

Result<ShopAnswers> ask_for_answers(const cli::Arguments& arguments, Attended attended, cli::Terminal& terminal,
                                    const std::filesystem::path& folder, const ShopKeys& keys, ShopAnswers answers)
{
    answers.hold = arguments.has("--hold");
    if (arguments.has("--no-manage")) answers.interface_is = Interface::of_operator;
    std::string problems;
    const auto note = [&](const std::string& what) { problems += (problems.empty() ? "" : "\n  ") + what; };
    for (const Question& question : questions(answers)) {
        const std::vector<std::string> given = arguments.values(question.option);
        if (!question.matters()) {
            if (!given.empty()) note(std::string(question.option) + " is not for this --lightning");
            continue;
        }
        if (!given.empty()) {
            const auto judged = answer(question, joined(given), answers, folder, keys);
            if (!judged) note(std::string(question.option) + ": " + judged.error().detail);
            continue;
        }
        // Who sells over Lightning needs no mint.
        const bool optional_mint =
            question.option == std::string_view("--mint") && answers.lightning != Lightning::none;
        const bool has_default = question.otherwise || optional_mint;
        const std::string otherwise = question.otherwise ? question.otherwise() : optional_mint ? "none" : "";
        if (attended == Attended::no || question.words.empty()) {
            if (!has_default) {
                note(std::string(question.option) + " is missing");
            } else if (!otherwise.empty()) {
                const auto judged = answer(question, otherwise, answers, folder, keys);
                if (!judged) note(std::string(question.option) + ": " + judged.error().detail);
            }
            continue;
        }
        for (;;) {
            const auto text = terminal.ask(question.words, otherwise);
            if (!text) return wrong_answer("the input ended before the last question");
            if (text->empty()) continue;
            const auto judged = answer(question, *text, answers, folder, keys);
            if (judged) break;
            terminal.say("  " + cli::printable(judged.error().detail, 300));
        }
    }
    if (problems.empty() && answers.mints.empty() && answers.lightning == Lightning::none)
        note("nothing could be paid with: name a --mint, or --lightning");
    if (!problems.empty()) return wrong_answer(problems);
    return answers;
}

} // namespace adit::operate
