#include "cli/purchase_command.h"

#include "base/file.h"
#include "cli/lightning_buyer.h"
#include "cli/printable.h"
#include "cli/verbs.h"
#include "payments/http_client.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace adit::cli {

namespace {

// What Ctrl-C says. Written before the handler is there, and only read by it.
char interrupted_text[1024];

void on_interrupt(int)
{
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, interrupted_text, std::strlen(interrupted_text));
    ::_exit(kOpen);
}

void explain_interrupts(const std::filesystem::path& file)
{
    const std::string text = "\nInterrupted; nothing is lost. Go on with: adit buy --resume " + file.string() + "\n";
    std::strncpy(interrupted_text, text.c_str(), sizeof interrupted_text - 1);
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

nlohmann::json coins_json(const Record& record)
{
    nlohmann::json coins = nlohmann::json::array();
    for (const Coin& coin : record.coins)
        if (!coin.spent)
            coins.push_back({{"kind", coin_word(coin.kind)}, {"sat", coin.value.count()}, {"token", coin.token}});
    return coins;
}

std::string_view end_word(End end)
{
    switch (end) {
    case End::delivered:
        return "delivered";
    case End::refunded:
        return "refunded";
    case End::refused:
        return "refused";
    case End::handed:
        return "handed";
    case End::open:
        return "open";
    }
    return "open";
}

int exit_of(End end)
{
    switch (end) {
    case End::delivered:
    case End::handed: // adit has nothing to wait for
        return kDone;
    case End::refunded:
    case End::refused:
        return kFailed;
    case End::open:
        return kOpen;
    }
    return kOpen;
}

std::string lnurl_of(const Record& record) { return protocol::encode_lnurl(record.lightning->lnurl); }

void show_json(const std::filesystem::path& file, const Record& record, const Buyer::Outcome& outcome,
               Terminal& terminal)
{
    nlohmann::json all = {{"end", end_word(outcome.end)},
                          {"stage", stage_word(record.stage)},
                          {"file", file.string()},
                          {"coins", coins_json(record)}};
    if (!outcome.why.empty()) all["why"] = outcome.why;
    if (outcome.end == End::handed) all["lnurl"] = lnurl_of(record);
    if (record.tunnel) {
        all["config"] = record.tunnel->config;
        if (record.tunnel->expires_at) all["expires_at"] = record.tunnel->expires_at->count();
        all["quantity"] = record.tunnel->quantity;
        if (!record.tunnel->session_url.empty()) all["session"] = record.tunnel->session_url;
    }
    terminal.out(all.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

/// Comments would make the code four times as large.
std::string without_comments(const std::string& config)
{
    std::string out;
    for (std::size_t at = 0; at < config.size();) {
        const std::size_t end = std::min(config.find('\n', at), config.size() - 1) + 1;
        if (config[at] != '#') out += config.substr(at, end - at);
        at = end;
    }
    return out;
}

/// True: it stands there now. An existing file is never written over, unless it says the same.
bool write_config(const std::filesystem::path& out, const std::string& config, Terminal& terminal)
{
    if (const auto there = read_file(out); there && *there == config) return true;
    if (const auto written = create_private_file(out, config); !written) {
        terminal.say("The config could not be written: " + written.error().detail);
        return false;
    }
    terminal.say("The config is in " + out.string() + ".");
    return true;
}

void show_coins(const std::filesystem::path& file, const Record& record, Terminal& terminal)
{
    for (const Coin& coin : record.coins) {
        if (coin.spent) continue;
        switch (coin.kind) {
        case Coin::Kind::kept:
            terminal.say("Left over from your token: " + sats(coin.value) + ", yours to spend:\n" + coin.token);
            break;
        case Coin::Kind::change:
        case Coin::Kind::refund:
            terminal.say(std::string(coin.kind == Coin::Kind::change ? "Change" : "Refund") + ": " + sats(coin.value) +
                         ", locked to a key in the purchase file:\n" + coin.token +
                         "\nFor a token that any wallet takes: adit redeem " + file.string());
            break;
        case Coin::Kind::redeemed:
            terminal.say("Redeemed: " + sats(coin.value) + ", yours to spend:\n" + coin.token);
            break;
        }
    }
}

void show_lnurl(const std::filesystem::path& file, const Record& record, const Showing& showing, Terminal& terminal)
{
    const std::string lnurl = lnurl_of(record);
    terminal.say("Pay this with a Lightning wallet that shows what it gets for a payment (LUD-10):\n");
    if (!showing.json) terminal.out(lnurl + "\n");
    terminal.say("");
    terminal.qr_in_capitals(lnurl);
    terminal.say("When it is paid, the wallet shows a link with the config. The private key for it is in " +
                 file.string() + ", and comes into the config by:\nadit open " + file.string() + " LINK");
}

int show(const std::filesystem::path& file, const Record& record, const Buyer::Outcome& outcome, const Showing& showing,
         Terminal& terminal)
{
    terminal.quiet();
    int status = exit_of(outcome.end);
    const bool delivered = outcome.end == End::delivered && record.tunnel;
    if (delivered && showing.out && !write_config(*showing.out, record.tunnel->config, terminal)) status = kFailed;
    if (showing.json) {
        show_json(file, record, outcome, terminal);
    } else if (delivered && !showing.out) {
        terminal.out(record.tunnel->config);
    }
    if (delivered && showing.qr) terminal.qr(without_comments(record.tunnel->config));
    switch (outcome.end) {
    case End::delivered:
        if (record.tunnel->expires_at)
            terminal.say("The tunnel is up until " + to_iso8601(*record.tunnel->expires_at) +
                         ". Look at it with: adit status " + file.string());
        else
            terminal.say("The tunnel is paid. The operator does not say until when it is up.");
        break;
    case End::handed:
        show_lnurl(file, record, showing, terminal);
        break;
    case End::refunded:
        terminal.say("No tunnel: " + outcome.why);
        break;
    case End::refused:
        terminal.say("No tunnel, and nothing was paid: " + outcome.why);
        break;
    case End::open:
        terminal.say("Not settled yet: " + outcome.why + "\n" +
                     (record.lightning ? "All that you need is in " : "Your money is in ") + file.string() +
                     ". Do not pay anew; go on with: adit buy --resume " + file.string());
        break;
    }
    if (!showing.json) show_coins(file, record, terminal);
    return status;
}

} // namespace

Result<FileClaim> FileClaim::take(const std::filesystem::path& file)
{
    const std::string path = file.string() + ".lock";
    for (;;) {
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) return Error{Reason::io, "cannot make " + path + ": " + std::strerror(errno)};
        if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
            ::close(fd);
            return Error{Reason::bad_step, "another adit is working on " + file.string()};
        }
        // Its last holder may have removed it between our open and our lock.
        struct stat ours {};
        struct stat there {};
        if (::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino)
            return FileClaim(fd, path);
        ::close(fd);
    }
}

FileClaim::~FileClaim()
{
    if (fd_ < 0) return;
    ::unlink(lock_.c_str()); // while it is still ours
    ::close(fd_);
}

namespace {

/// The node that the record names, or none.
Result<std::unique_ptr<Payer>> payer_of(const Record& record, payments::HttpClient& http)
{
    if (!record.lightning || !record.lightning->payer) return std::unique_ptr<Payer>();
    return make_payer(*record.lightning->payer, TRY(cost_of(record.offer)), http);
}

} // namespace

Result<Buyer::Outcome> carry_on(const std::filesystem::path& file, Record& record, Terminal& terminal,
                                const Patience& patience)
{
    explain_interrupts(file);
    payments::CurlHttpClient http;
    const Buyer::Parts parts{
        http,    system_clock(), system_rng(), terminal, [&](const Record& now) { return save_record(file, now); },
        patience};
    const auto payer = TRY(payer_of(record, http));
    return record.lightning ? LightningBuyer(parts, payer.get()).go_on(record) : Buyer(parts).go_on(record);
}

int go_on_with(const std::filesystem::path& file, Record& record, const Showing& showing, Terminal& terminal,
               const Patience& patience)
{
    const auto outcome = carry_on(file, record, terminal, patience);
    if (!outcome) return failure(terminal, outcome.error().detail);
    return show(file, record, *outcome, showing, terminal);
}

int open_file(const std::filesystem::path& file, std::string_view shown, const Showing& showing, Terminal& terminal)
{
    const auto claim = FileClaim::take(file);
    if (!claim) return failure(terminal, claim.error().detail);
    auto record = load_record(file);
    if (!record) return failure(terminal, record.error().detail);
    if (!record->lightning) return failure(terminal, "that is no purchase over Lightning: adit buy --resume goes on");
    explain_interrupts(file);
    payments::CurlHttpClient http;
    LightningBuyer buyer(
        {http, system_clock(), system_rng(), terminal, [&](const Record& now) { return save_record(file, now); }, {}},
        nullptr);
    const auto outcome = buyer.open_delivery(*record, shown);
    if (!outcome)
        return failure(terminal, "that opens nothing (" + outcome.error().detail +
                                     "); give the link or the config that the wallet shows, or the payment's preimage");
    return show(file, *record, *outcome, showing, terminal);
}

int redeem_file(const std::filesystem::path& file, bool as_json, Terminal& terminal)
{
    const auto claim = FileClaim::take(file);
    if (!claim) return failure(terminal, claim.error().detail);
    auto record = load_record(file);
    if (!record) return failure(terminal, record.error().detail);
    payments::CurlHttpClient http;
    Buyer buyer(
        {http, system_clock(), system_rng(), terminal, [&](const Record& now) { return save_record(file, now); }, {}});
    const auto redeemed = buyer.redeem(*record);
    terminal.quiet();
    if (as_json) {
        nlohmann::json all = {{"file", file.string()}, {"coins", coins_json(*record)}};
        if (!redeemed) all["why"] = redeemed.error().detail;
        terminal.out(all.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    } else {
        for (const Coin& coin : record->coins)
            if (!coin.spent && (coin.kind == Coin::Kind::redeemed || coin.kind == Coin::Kind::kept))
                terminal.out(coin.token + "\n");
    }
    if (!redeemed) {
        terminal.say("adit: " + redeemed.error().detail);
        return record->redeeming.empty() ? kFailed : kOpen;
    }
    if (!*redeemed) terminal.say("There is nothing left to redeem.");
    return kDone;
}

int close_file(const std::filesystem::path& file, bool as_json, Terminal& terminal)
{
    const auto claim = FileClaim::take(file);
    if (!claim) return failure(terminal, claim.error().detail);
    auto record = load_record(file);
    if (!record) return failure(terminal, record.error().detail);
    payments::CurlHttpClient http;
    Buyer buyer(
        {http, system_clock(), system_rng(), terminal, [&](const Record& now) { return save_record(file, now); }, {}});
    const auto refunded = buyer.close(*record);
    terminal.quiet();
    if (as_json) {
        nlohmann::json all = {
            {"file", file.string()}, {"closed", refunded.has_value()}, {"coins", coins_json(*record)}};
        if (refunded)
            all["refunded_sat"] = refunded->count();
        else
            all["why"] = refunded.error().detail;
        terminal.out(all.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    }
    if (!refunded) {
        terminal.say("adit: " + refunded.error().detail);
        return refunded.error().reason == Reason::mint_unreachable ? kOpen : kFailed;
    }
    if (as_json) return kDone;
    if (*refunded == Sat{})
        terminal.say("The tunnel is closed. Nothing was left of it to be given back.");
    else
        terminal.say("The tunnel is closed. " + sats(*refunded) + " came back; make them spendable with: adit redeem " +
                     file.string());
    return kDone;
}

} // namespace adit::cli
