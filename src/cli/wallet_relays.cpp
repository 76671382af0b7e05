#include "base/file.h"
#include "cli/printable.h"
#include "cli/relays.h"
#include "cli/wallet.h"
#include "protocol/constants.h"
#include "protocol/nip19.h"
#include "protocol/nip60.h"

#include <map>
#include <nlohmann/json.hpp>

namespace adit::cli {

namespace {

Result<protocol::SecretKey> read_key(const std::string& path)
{
    if (TRY(openness(path)) == FileOpenness::open)
        return Error{Reason::bad_config, path + " holds a secret key, and others may read or change it: chmod 600 it"};
    std::string text = TRY(read_file(path, 4096));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
    auto key = protocol::parse_secret_key(text);
    sodium_memzero(text.data(), text.size());
    if (!key) return Error{Reason::bad_config, path + " holds neither an nsec nor 64 hex digits"};
    return key;
}

struct Balance {
    std::uint64_t sum = 0; // saturates
    std::size_t events = 0;
};

int balance(const protocol::SecretKey& key, const std::vector<std::string>& urls, bool as_json, Terminal& terminal)
{
    const auto relays = Relays::open(urls, system_clock(), system_rng(), key.duplicate());
    if (!relays) return usage_error(terminal, "wallet", relays.error().detail);
    protocol::Filter filter;
    filter.kinds = {protocol::kKindWallet, protocol::kKindTokens, protocol::kKindDeletion};
    filter.authors = {key.public_key()};
    terminal.progress("reading the wallet");
    const auto result = (*relays)->fetch({filter}, Milliseconds(15'000));
    terminal.quiet();
    if (!any_answered(result)) return failure(terminal, coverage_words(result));

    const protocol::WalletState wallet = protocol::fold_wallet(result.events, key);
    std::map<std::pair<std::string, std::string>, Balance> balances; // by mint and unit
    for (const protocol::HeldToken& token : wallet.tokens) {
        Balance& here = balances[{token.content.mint, token.content.unit}];
        ++here.events;
        for (const protocol::WalletProof& proof : token.content.proofs)
            here.sum = sum(Sat(here.sum), Sat(proof.amount)).value_or(Sat(~0ULL)).count();
    }
    Sat total;
    for (const auto& [where, held] : balances)
        if (where.second == "sat") total = sum(total, Sat(held.sum)).value_or(total);

    if (as_json) {
        nlohmann::json mints = nlohmann::json::array();
        for (const auto& [where, held] : balances)
            mints.push_back(
                {{"mint", where.first}, {"unit", where.second}, {"amount", held.sum}, {"token_events", held.events}});
        nlohmann::json asked = nlohmann::json::array();
        for (const auto& relay : result.relays)
            asked.push_back({{"relay", relay.relay}, {"coverage", coverage_word(relay.coverage)}});
        const nlohmann::json all = {{"pubkey", key.public_key().hex()},
                                    {"wallet", wallet.event.has_value()},
                                    {"balance_sat", total.count()},
                                    {"mints", std::move(mints)},
                                    {"token_events", wallet.tokens.size()},
                                    {"unreadable", wallet.unreadable_tokens.size() + wallet.unreadable_wallets.size()},
                                    {"complete", result.complete()},
                                    {"relays", std::move(asked)}};
        terminal.out(all.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
        return kDone;
    }
    std::string text;
    if (!wallet.event && wallet.tokens.empty()) text += "There is no wallet of this key on these relays.\n";
    for (const auto& [where, held] : balances)
        text += fitted(std::to_string(held.sum) + " " + printable(where.second, 16), 20) + printable(where.first, 200) +
                "  (" + std::to_string(held.events) + (held.events == 1 ? " token event)\n" : " token events)\n");
    text += fitted(std::to_string(total.count()) + " sat", 20) + "in all\n";
    terminal.out(text);
    if (!wallet.unreadable_tokens.empty())
        terminal.say(std::to_string(wallet.unreadable_tokens.size()) + " token events can not be read.");
    if (!result.complete()) terminal.say("Not all was read: " + coverage_words(result));
    return kDone;
}

} // namespace

int balance_of_relays(const Arguments& arguments, Terminal& terminal)
{
    const auto file = arguments.value("--nsec-file");
    const auto urls = arguments.values("--relay");
    if (!file || urls.empty())
        return usage_error(terminal, "wallet", "from relays: needs both --nsec-file and --relay");
    const auto key = read_key(*file);
    if (!key) return failure(terminal, key.error().detail);
    return balance(*key, urls, arguments.has("--json"), terminal);
}

} // namespace adit::cli
