#include "devnet/control.h"

#include "devnet/control_handler.h"
#include "protocol/json.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace adit::devnet {
namespace {

namespace cashu = payments::cashu;
using nlohmann::json;

/// A word of JSON and what it stands for.
template<typename Value>
struct Word {
    std::string_view text;
    Value value;
};

constexpr Word<Caching> kCaching[]{{"off", Caching::off}, {"on", Caching::on}};
constexpr Word<Minting> kMinting[]{{"enabled", Minting::enabled}, {"disabled", Minting::disabled}};
constexpr Word<QuotePayment> kQuotePayment[]{{"automatic", QuotePayment::automatic},
                                             {"by_hand", QuotePayment::by_hand}};
constexpr Word<QuoteSignatures> kQuoteSignatures[]{{"both", QuoteSignatures::both},
                                                   {"amended_only", QuoteSignatures::amended_only},
                                                   {"legacy_only", QuoteSignatures::legacy_only}};
constexpr Word<AuthRule> kAuthRules[]{{"open", AuthRule::open}, {"required", AuthRule::required}};
constexpr Word<KeysetVersion> kVersions[]{{"00", KeysetVersion::v0}, {"01", KeysetVersion::v1}};
constexpr Word<Mint::MeltEnd> kMeltEnds[]{{"paid", Mint::MeltEnd::paid}, {"failed", Mint::MeltEnd::failed}};

template<typename Value, std::size_t N>
std::string_view word_of(const Word<Value> (&words)[N], Value value)
{
    for (const auto& word : words)
        if (word.value == value) return word.text;
    return {};
}

/// Leaves `out` as it is where the key is absent. Errors: bad_request.
template<typename Value, std::size_t N>
Result<void> read_word(const json& object, const char* key, const Word<Value> (&words)[N], Value& out)
{
    const auto found = object.find(key);
    if (found == object.end()) return {};
    if (found->is_string())
        for (const auto& word : words)
            if (word.text == found->get_ref<const std::string&>()) {
                out = word.value;
                return {};
            }
    return Error{Reason::bad_request, std::string(key) + ": not one of README.md's words"};
}

Result<KeysetPlan> parse_plan(const json& object)
{
    KeysetPlan plan;
    if (const auto unit = object.find("unit"); unit != object.end()) {
        if (!unit->is_string()) return Error{Reason::bad_request, "unit: expected a string"};
        plan.unit = unit->get<std::string>();
    }
    TRY(read_word(object, "version", kVersions, plan.version));
    TRY(read_count(object, "input_fee_ppk", plan.input_fee_ppk));
    plan.active = TRY(read_flag(object, "active", true));
    std::uint64_t expiry = 0;
    TRY(read_count(object, "final_expiry", expiry));
    if (expiry != 0) plan.final_expiry = UnixSeconds(static_cast<std::int64_t>(expiry));
    return plan;
}

Result<MintSettings> parse_settings(const json& object, MintSettings settings)
{
    TRY(read_word(object, "caching", kCaching, settings.caching));
    TRY(read_word(object, "minting", kMinting, settings.minting));
    TRY(read_word(object, "quote_payment", kQuotePayment, settings.quote_payment));
    TRY(read_word(object, "quote_signatures", kQuoteSignatures, settings.quote_signatures));
    if (const auto hidden = object.find("hidden_nuts"); hidden != object.end()) {
        settings.hidden_nuts.clear();
        if (!hidden->is_array()) return Error{Reason::bad_request, "hidden_nuts: expected numbers"};
        for (const json& nut : *hidden) {
            if (!nut.is_number_unsigned()) return Error{Reason::bad_request, "hidden_nuts: expected numbers"};
            settings.hidden_nuts.insert(nut.get<int>());
        }
    }
    return settings;
}

json describe(const MintSettings& settings)
{
    return {{"caching", word_of(kCaching, settings.caching)},
            {"minting", word_of(kMinting, settings.minting)},
            {"quote_payment", word_of(kQuotePayment, settings.quote_payment)},
            {"quote_signatures", word_of(kQuoteSignatures, settings.quote_signatures)},
            {"hidden_nuts", settings.hidden_nuts}};
}

json describe(const Accounting& books)
{
    return {{"issued", books.issued.count()}, {"spent", books.spent.count()},
            {"minted", books.minted.count()}, {"melted", books.melted.count()},
            {"fees", books.fees.count()},     {"outstanding", books.outstanding().count()}};
}

std::string_view word_of(MintTransaction::Kind kind)
{
    switch (kind) {
    case MintTransaction::Kind::mint:
        return "mint";
    case MintTransaction::Kind::swap:
        return "swap";
    case MintTransaction::Kind::melt:
        return "melt";
    }
    return {};
}

std::string_view word_of(cashu::ProofState state)
{
    switch (state) {
    case cashu::ProofState::unspent:
        return "UNSPENT";
    case cashu::ProofState::pending:
        return "PENDING";
    case cashu::ProofState::spent:
        return "SPENT";
    }
    return {};
}

json describe(const std::vector<MintTransaction>& transactions)
{
    json all = json::array();
    for (const MintTransaction& transaction : transactions)
        all.push_back({{"kind", word_of(transaction.kind)},
                       {"at", transaction.at.count()},
                       {"ys", transaction.ys},
                       {"outputs", transaction.outputs},
                       {"in", transaction.in.count()},
                       {"out", transaction.out.count()},
                       {"fee", transaction.fee.count()}});
    return all;
}

json describe(const std::vector<cashu::Keyset>& keysets)
{
    json all = json::array();
    for (const cashu::Keyset& keyset : keysets)
        all.push_back({{"id", keyset.id},
                       {"unit", keyset.unit},
                       {"active", keyset.active},
                       {"input_fee_ppk", keyset.input_fee_ppk},
                       {"final_expiry", keyset.final_expiry ? json(keyset.final_expiry->count()) : json()}});
    return all;
}

json describe_relay(const Relay& relay)
{
    return {{"connections", relay.connections()},
            {"stored", relay.store().size()},
            {"published", relay.published()},
            {"read", word_of(kAuthRules, relay.rules().read)},
            {"write", word_of(kAuthRules, relay.rules().write)}};
}

void add_fault_routes(http::Router& router, Faults& faults)
{
    router.add("GET", "/faults", answering([&faults](auto&, auto&) -> Handled { return faults.list(); }));
    router.add("POST", "/faults", answering([&faults](auto&, const json& body) -> Handled {
                   const std::uint64_t number = faults.add(TRY(parse_fault(body)));
                   return json{{"number", number}};
               }));
    router.add("DELETE", "/faults", answering([&faults](auto&, auto&) -> Handled {
                   faults.clear();
                   return json{{"ok", true}};
               }));
    router.add("DELETE", "/faults/{number}", answering([&faults](const http::Request& request, auto&) -> Handled {
                   const std::string number = named(request, "number");
                   std::uint64_t value = 0;
                   const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
                   if (error != std::errc() || end != number.data() + number.size())
                       return Error{Reason::not_found, "no such fault"};
                   faults.remove(value);
                   return json{{"ok", true}};
               }));
}

void add_mint_routes(http::Router& router, Mint& mint)
{
    router.add("GET", "/accounting",
               answering([&mint](auto&, auto&) -> Handled { return describe(mint.accounting()); }));
    router.add("GET", "/transactions",
               answering([&mint](auto&, auto&) -> Handled { return describe(mint.transactions()); }));
    router.add("GET", "/proofs/{y}", answering([&mint](const http::Request& request, auto&) -> Handled {
                   return json{{"state", word_of(mint.state_of(named(request, "y")))}};
               }));
    router.add("GET", "/outputs/{b}", answering([&mint](const http::Request& request, auto&) -> Handled {
                   return json{{"signed", mint.has_signed(named(request, "b"))}};
               }));
    router.add("POST", "/proofs/pending", answering([&mint](auto&, const json& body) -> Handled {
                   std::vector<std::string> ys;
                   if (!body.contains("ys") || !body["ys"].is_array())
                       return Error{Reason::bad_request, "ys: expected an array"};
                   for (const json& y : body["ys"]) {
                       if (!y.is_string()) return Error{Reason::bad_request, "ys: expected strings"};
                       ys.push_back(y.get<std::string>());
                   }
                   mint.set_pending(ys, TRY(read_flag(body, "pending", true)));
                   return json{{"ok", true}};
               }));
    router.add("POST", "/keysets", answering([&mint](auto&, const json& body) -> Handled {
                   const auto id = mint.add_keyset(TRY(parse_plan(body)));
                   return json{{"id", id}};
               }));
    router.add("POST", "/keysets/rotate", answering([&mint](auto&, const json& body) -> Handled {
                   const auto id = mint.rotate(TRY(parse_plan(body)));
                   return json{{"id", id}};
               }));
    router.add("POST", "/keysets/{id}/active",
               answering([&mint](const http::Request& request, const json& body) -> Handled {
                   return done_if(mint.set_active(named(request, "id"), TRY(read_flag(body, "active", true))));
               }));
    router.add("POST", "/mint", answering([&mint](auto&, const json& body) -> Handled {
                   mint.set_settings(TRY(parse_settings(body, mint.settings())));
                   return describe(mint.settings());
               }));
    router.add("POST", "/quotes/{id}/pay", answering([&mint](const http::Request& request, auto&) -> Handled {
                   return done_if(mint.pay_quote(named(request, "id")));
               }));
    router.add("POST", "/melts/{id}", answering([&mint](const http::Request& request, const json& body) -> Handled {
                   Mint::MeltEnd end = Mint::MeltEnd::paid;
                   TRY(read_word(body, "end", kMeltEnds, end));
                   return done_if(mint.settle_melt(named(request, "id"), end));
               }));
}

void add_relay_routes(http::Router& router, Relay& relay, RelayServer& server, const Clock& clock)
{
    router.add("POST", "/relay/rules", answering([&relay](auto&, const json& body) -> Handled {
                   RelayRules rules = relay.rules();
                   TRY(read_word(body, "read", kAuthRules, rules.read));
                   TRY(read_word(body, "write", kAuthRules, rules.write));
                   relay.set_rules(rules);
                   return describe_relay(relay);
               }));
    router.add("POST", "/relay/close", answering([&relay, &server](auto&, auto&) -> Handled {
                   server.perform(relay.close_all());
                   return json{{"ok", true}};
               }));
    router.add("POST", "/relay/events", answering([&relay, &server](auto&, const json& body) -> Handled {
                   const auto event = TRY(protocol::parse_event(body));
                   server.perform(relay.publish(event));
                   return json{{"ok", true}};
               }));
    router.add("POST", "/relay/query", answering([&relay, &clock](auto&, const json& body) -> Handled {
                   const std::vector filters{TRY(protocol::parse_filter(body))};
                   json events = json::array();
                   for (const protocol::Event* event : relay.store().query(filters, clock.now()))
                       events.push_back(TRY(protocol::parse_json(protocol::encode_event(*event))));
                   return json{{"events", std::move(events)}};
               }));
    router.add("DELETE", "/relay/events", answering([&relay](auto&, auto&) -> Handled {
                   relay.store().clear();
                   return json{{"ok", true}};
               }));
}

std::map<std::string, std::uint64_t> all_requests(const ControlTarget& target)
{
    auto counts = target.mint_server.requests();
    counts.merge(target.lightning.phoenixd_server.requests());
    counts.merge(target.lightning.lnd_server.requests());
    return counts;
}

} // namespace

http::Router control_routes(ControlTarget target)
{
    http::Router router;
    add_fault_routes(router, target.faults);
    add_mint_routes(router, target.mint);
    add_relay_routes(router, target.relay, target.relay_server, target.clock);
    add_lightning_routes(router, target.lightning);
    router.add("GET", "/state", answering([target](auto&, auto&) -> Handled {
                   return json{{"faults", target.faults.list()},
                               {"mint", describe(target.mint.settings())},
                               {"keysets", describe(target.mint.keysets())},
                               {"accounting", describe(target.mint.accounting())},
                               {"replayed", target.mint.replayed()},
                               {"requests", all_requests(target)},
                               {"relay", describe_relay(target.relay)},
                               {"lightning", describe_lightning(target.lightning)}};
               }));
    return router;
}

} // namespace adit::devnet
