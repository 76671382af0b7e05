#include "cli/find_listing.h"
#include "cli/lightning_buyer.h"
#include "cli/printable.h"
#include "cli/purchase_command.h"
#include "cli/purchase_start.h"
#include "cli/verbs.h"
#include "payments/cashu/token.h"
#include "protocol/nip19.h"

#include <unistd.h>

namespace adit::cli {

namespace {

constexpr std::string_view kBuyHelp =
    "adit buy NADDR|NPUB [options]\n"
    "adit buy NADDR|NPUB --lightning [--pay-with lnd|phoenixd] [options]\n"
    "adit buy NADDR|NPUB --lnurl [options]\n"
    "adit buy --resume FILE [--out FILE] [--qr] [--json]\n"
    "\n"
    "Buys a WireGuard tunnel. Finds the listing on relays, makes fresh keys, pays with ecash that only this operator "
    "can\n"
    "spend, and prints the wg-quick config with the private key filled in (and nothing else, on standard output).\n"
    "Without a token, the operator's mint is asked for an invoice, to be paid with any Lightning wallet.\n"
    "\n"
    "With --lightning the operator itself is asked for an invoice. It is shown with a QR code, and once it is paid "
    "the\n"
    "config is opened with the payment's preimage. With --pay-with, a node of yours pays it. With --lnurl nothing is\n"
    "waited for: an LNURL is printed, for a wallet that opens what it gets for a payment; see adit open --help.\n"
    "\n"
    "Keys and money are in the purchase file before any step that could lose them. Whatever happens, go on with\n"
    "--resume: it never pays twice. On a finished purchase it prints what is there.\n"
    "\n"
    "  --tier N|UNIT     which price: its number in `adit browse --json`, or hour, day, week, month, GiB, TiB\n"
    "  --quantity N      how many units (default 1)\n"
    "  --token TOKEN     pay with this Cashu token (cashuA..., cashuB...); - reads it from standard input, where "
    "nobody\n"
    "                    else on this machine sees it\n"
    "  --token-file F    the same, from a file\n"
    "  --mint URL        which of the operator's mints (default: the token's, else the first)\n"
    "  --lightning       pay the operator over Lightning\n"
    "  --lnurl           print an LNURL and its QR code for a wallet, and end\n"
    "  --pay-with NODE   lnd or phoenixd: your own node pays, and is never asked twice\n"
    "  --pay-url URL     its API (default: https://127.0.0.1:8080 for lnd, http://127.0.0.1:9740 for phoenixd)\n"
    "  --pay-macaroon-file F  of lnd, one that may pay\n"
    "  --pay-password-file F  of phoenixd, the one with full access\n"
    "  --pay-cert-file F lnd's tls.cert: the only certificate that is trusted then\n"
    "  --pay-max-fee SAT the most that lnd may give for routing (default: 1 % of the price and 10 sat)\n"
    "  --relay URL       where to look, repeatable (default: the naddr's hints, else well-known relays)\n"
    "  --out FILE        write the config there, mode 0600\n"
    "  --qr              show the config as a QR code as well\n"
    "  --file FILE       the purchase file (default: ~/.local/share/adit/purchases/<time>-<id>.json)\n"
    "  --wait SECONDS    how long to wait for a silent mint or operator before giving up for now (default 120)\n"
    "  --yes             do not ask\n"
    "  --json            the end of it as JSON on standard output\n"
    "\n"
    "  adit buy naddr1... --tier day --quantity 2 --out tunnel.conf\n"
    "  adit buy npub1... --tier hour --token - --yes < token.txt\n"
    "  adit buy naddr1... --lightning --pay-with lnd --pay-macaroon-file admin.macaroon --pay-cert-file tls.cert\n"
    "  adit buy naddr1... --lightning --pay-with phoenixd --pay-password-file password.txt --yes\n"
    "  adit buy naddr1... --tier week --lnurl\n"
    "  adit buy --resume ~/.local/share/adit/purchases/20261120-1855-3f2a.json --qr\n";

constexpr Option kBuyOptions[]{{"--relay", Option::Takes::values},
                               {"--tier"},
                               {"--quantity"},
                               {"--token"},
                               {"--token-file"},
                               {"--mint"},
                               {"--out"},
                               {"--file"},
                               {"--wait"},
                               {"--resume"},
                               {"--redeem"},
                               {"--pay-with"},
                               {"--pay-url"},
                               {"--pay-macaroon-file"},
                               {"--pay-password-file"},
                               {"--pay-cert-file"},
                               {"--pay-max-fee"},
                               {"--lightning", Option::Takes::nothing},
                               {"--lnurl", Option::Takes::nothing},
                               {"--qr", Option::Takes::nothing},
                               {"--yes", Option::Takes::nothing},
                               {"--json", Option::Takes::nothing}};

constexpr std::uint64_t kMostQuantity = 1'000'000;

Result<protocol::PublishedListing> choose(const Found& found, const Target& target,
                                          const std::vector<std::string>& relays)
{
    std::vector<const protocol::PublishedListing*> fits;
    for (const auto& published : found.listings)
        if (published.author == target.author && (!target.d_tag || published.listing.d_tag == *target.d_tag))
            fits.push_back(&published);
    if (fits.empty()) return Error{Reason::bad_request, "there is no such listing; " + found.coverage};
    if (fits.size() == 1) return *fits.front();
    std::string there = "this operator has several listings; name one by its naddr:";
    for (const auto* published : fits)
        there += "\n  " + fitted(published->listing.title, 30) + "  " + naddr_of(*published, relays);
    return Error{Reason::bad_request, there};
}

/// Another node must not pay what the first one may still be paying.
Result<void> change_payer(Record& record, const PayerChoice& choice, const std::filesystem::path& file)
{
    if (!record.lightning || record.lightning->mode != LightningMode::invoice)
        return Error{Reason::bad_request, "--pay-with is for an invoice of the operator's (--lightning)"};
    LightningPurchase& lightning = *record.lightning;
    if (lightning.payer == choice) return {};
    const bool same_node =
        lightning.payer && lightning.payer->kind == choice.kind && lightning.payer->url == choice.url;
    if (lightning.attempt == Attempt::begun && !same_node)
        return Error{Reason::bad_step, "paying was begun with another node, " + lightning.payer->url +
                                           ": what became of that, only it knows; go on without --pay-with"};
    lightning.payer = choice;
    return save_record(file, record);
}

int resume(const std::filesystem::path& file, const std::optional<PayerChoice>& payer, const Showing& showing,
           const Patience& patience, Terminal& terminal)
{
    const auto claim = FileClaim::take(file);
    if (!claim) return failure(terminal, claim.error().detail);
    auto record = load_record(file);
    if (!record) return failure(terminal, record.error().detail);
    if (payer) {
        if (const auto changed = change_payer(*record, *payer, file); !changed)
            return failure(terminal, changed.error().detail);
    }
    return go_on_with(file, *record, showing, terminal, patience);
}

int buy(const Arguments& arguments, Terminal& terminal)
{
    const auto wrong = [&](const std::string& what) { return usage_error(terminal, "buy", what); };
    if (const auto file = arguments.value("--redeem")) return redeem_file(*file, arguments.has("--json"), terminal);
    Showing showing;
    if (const auto out = arguments.value("--out")) showing.out = *out;
    showing.qr = arguments.has("--qr");
    showing.json = arguments.has("--json");
    Patience patience;
    const auto wait = arguments.number("--wait", 120, 86400);
    if (!wait) return wrong(wait.error().detail);
    patience.silence = Seconds(static_cast<std::int64_t>(*wait));
    auto payer = parse_payer_choice(arguments);
    if (!payer) return wrong(payer.error().detail);
    if (const auto file = arguments.value("--resume")) {
        if (!arguments.rest().empty()) return wrong("--resume takes its purchase file, and no listing");
        return resume(*file, *payer, showing, patience, terminal);
    }

    if (arguments.rest().size() != 1) return wrong("name one listing, by naddr or npub");
    const auto target = parse_target(arguments.rest().front());
    if (!target) return wrong(target.error().detail);
    const auto quantity = arguments.number("--quantity", 1, kMostQuantity);
    if (!quantity) return wrong(quantity.error().detail);
    const bool asks = !arguments.has("--yes");
    if (asks && (!terminal.is_tty() || ::isatty(STDIN_FILENO) != 1))
        return wrong("there is nobody to ask whether to buy: say --yes");
    std::error_code ignored;
    if (showing.out && std::filesystem::exists(*showing.out, ignored))
        return wrong(showing.out->string() + " is there already");
    auto token = read_token(arguments);
    if (!token) return wrong(token.error().detail);

    const auto mode = arguments.has("--lnurl") ? LightningMode::lnurl : LightningMode::invoice;
    const bool lightning = mode == LightningMode::lnurl || arguments.has("--lightning") || payer->has_value();
    if (lightning && (*token || arguments.has("--mint"))) return wrong("over Lightning there is no token and no mint");
    if (mode == LightningMode::lnurl && *payer) return wrong("--lnurl is for a wallet to pay: leave --pay-with away");
    Wish wish{arguments.value("--tier"), *quantity, arguments.value("--mint"),
              lightning ? PayWith::lightning : PayWith::ecash};
    if (*token) {
        const auto parsed = payments::cashu::parse_token(**token);
        if (!parsed) return wrong("the token can not be read: " + parsed.error().detail);
        if (!wish.mint) wish.mint = parsed->mint;
    }
    auto relays = arguments.values("--relay");
    if (relays.empty()) relays = target->relays;
    if (relays.empty()) relays = default_relays();
    const auto found = find_listings(relays, target->author, system_clock(), terminal);
    if (!found) {
        if (found.error().reason == Reason::bad_encoding) return wrong(found.error().detail);
        return failure(terminal, found.error().detail);
    }
    const auto published = choose(*found, *target, relays);
    if (!published) return failure(terminal, published.error().detail);
    if (published->listing.status == protocol::ListingStatus::sold)
        return failure(terminal, "the operator has marked this listing as sold out");
    auto offer = make_offer(*published, wish);
    if (!offer) return failure(terminal, offer.error().detail);

    terminal.quiet();
    show_offer(*offer, terminal);
    if (is_stale(*published, system_clock().now()))
        terminal.say("This listing has not been renewed for over 30 days: its operator may be gone.");
    if (asks && !terminal.confirm("Buy it?")) return failure(terminal, "not bought");

    Record record = lightning
                        ? new_lightning_record(std::move(*offer), mode, std::move(*payer), system_clock(), system_rng())
                        : new_record(std::move(*offer), std::move(*token), system_clock(), system_rng());
    auto file = arguments.value("--file") ? Result<std::filesystem::path>(*arguments.value("--file"))
                                          : new_purchase_file(record.created_at);
    if (!file) return failure(terminal, file.error().detail);
    if (const auto created = create_record(*file, record); !created) return failure(terminal, created.error().detail);
    const auto claim = FileClaim::take(*file);
    if (!claim) return failure(terminal, claim.error().detail);
    terminal.say(fitted("File", 10) + file->string());
    return go_on_with(*file, record, showing, terminal, patience);
}

} // namespace

const Verb kBuy{"buy", "buys a tunnel, or goes on with buying one", kBuyHelp, kBuyOptions, &buy};

} // namespace adit::cli
