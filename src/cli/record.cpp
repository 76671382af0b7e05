#include "cli/record.h"

#include "base/crash_point.h"
#include "base/file.h"
#include "cli/record_reader.h"
#include "payments/cashu/curve.h"
#include "protocol/json.h"

#include <algorithm>
#include <array>

namespace adit::cli {

using nlohmann::json;
using payments::Output;
using payments::OutputOwner;
using payments::cashu::Point;

namespace {

constexpr std::uint64_t kVersion = 1;
constexpr const char* kAbout = "A purchase of adit. It holds private keys and money: keep it to yourself, and keep it.";

constexpr std::array<std::pair<Stage, std::string_view>, 11> kStages{{
    {Stage::begun, "begun"},
    {Stage::handed, "handed"},
    {Stage::invoiced, "invoiced"},
    {Stage::settled, "settled"},
    {Stage::quoted, "quoted"},
    {Stage::funding, "funding"},
    {Stage::ready, "ready"},
    {Stage::asked, "asked"},
    {Stage::delivered, "delivered"},
    {Stage::refunded, "refunded"},
    {Stage::refused, "refused"},
}};
constexpr std::array<std::pair<Coin::Kind, std::string_view>, 4> kCoins{{
    {Coin::Kind::kept, "kept"},
    {Coin::Kind::change, "change"},
    {Coin::Kind::refund, "refund"},
    {Coin::Kind::redeemed, "redeemed"},
}};

template<std::size_t N>
std::string secret_hex(std::span<const std::uint8_t, N> bytes)
{
    return encode_hex(ByteView(bytes.data(), bytes.size()));
}

// ---- writing

json encode(const Offer& offer)
{
    json out{{"listing", protocol::encode_coordinate(offer.listing)},
             {"title", offer.title},
             {"price", {offer.price.amount, offer.price.currency, offer.price.unit}},
             {"unit_price_sat", offer.unit_price.count()},
             {"quantity", offer.quantity},
             {"mint", offer.mint},
             {"endpoint", offer.endpoint},
             {"server", offer.server},
             {"tier", offer.tier}};
    if (offer.lock) out["lock"] = offer.lock->hex();
    return out;
}

json encode(const std::vector<MintWork>& works)
{
    json all = json::array();
    for (const MintWork& work : works) {
        json inputs = json::array();
        for (const Point& y : work.inputs) inputs.push_back(y.hex());
        json outputs = json::array();
        for (const Output& output : work.outputs)
            outputs.push_back({{"payment", output.owner == OutputOwner::buyer},
                               {"keyset", output.message.keyset},
                               {"amount", output.message.amount.count()},
                               {"b", output.message.b.hex()},
                               {"secret", output.secret},
                               {"r", secret_hex(output.r.expose())}});
        all.push_back({{"kind", work.kind == MintWork::Kind::mint ? "mint" : "swap"},
                       {"body", work.body},
                       {"inputs", std::move(inputs)},
                       {"outputs", std::move(outputs)}});
    }
    return all;
}

// ---- reading

constexpr std::uint64_t kMostTiers = 1'000'000;

Result<Offer> read_offer(const json& object)
{
    RecordReader reader(object);
    auto coordinate = TRY(protocol::parse_coordinate(reader.text("listing")));
    std::optional<Point> lock;
    if (reader.object("lock") != nullptr) lock = TRY(Point::parse_hex(reader.text("lock")));
    const json& price = reader.list("price");
    if (price.size() != 3 || !std::ranges::all_of(price, [](const json& part) { return part.is_string(); }))
        return damaged("price");
    Offer offer{std::move(coordinate),
                reader.text("title"),
                {price[0].get<std::string>(), price[1].get<std::string>(), price[2].get<std::string>()},
                Sat(reader.number("unit_price_sat")),
                reader.number("quantity"),
                reader.text("mint"),
                lock,
                reader.text("endpoint"),
                reader.text("server"),
                reader.object("tier") != nullptr ? reader.number("tier", kMostTiers) : 0};
    TRY(reader.good());
    return offer;
}

Result<Keys> read_keys(const json& object)
{
    RecordReader reader(object);
    auto wireguard = TRY(parse_secret_hex<32>(reader.text("wireguard")));
    auto auth = TRY(protocol::SecretKey::parse_hex(reader.text("auth")));
    auto refund = TRY(protocol::SecretKey::parse_hex(reader.text("refund")));
    auto quote = TRY(protocol::SecretKey::parse_hex(reader.text("quote")));
    return Keys{std::move(wireguard), std::move(auth), std::move(refund), std::move(quote)};
}

Result<Output> read_output(const json& object)
{
    RecordReader reader(object);
    const bool payment = reader.flag("payment");
    const Point b = TRY(Point::parse_hex(reader.text("b")));
    auto r = TRY(payments::cashu::parse_scalar(reader.text("r")));
    const std::string keyset = reader.text("keyset");
    const Sat amount(reader.number("amount"));
    std::string secret = reader.text("secret");
    TRY(reader.good());
    return Output{
        payment ? OutputOwner::buyer : OutputOwner::wallet, {keyset, amount, b}, std::move(secret), std::move(r), {}};
}

Result<std::vector<MintWork>> read_works(const json& list)
{
    std::vector<MintWork> works;
    for (const json& object : list) {
        RecordReader reader(object);
        MintWork work;
        const std::string kind = reader.text("kind");
        if (kind != "mint" && kind != "swap") return damaged("kind");
        work.kind = kind == "mint" ? MintWork::Kind::mint : MintWork::Kind::swap;
        work.body = reader.text("body");
        for (const json& y : reader.list("inputs")) {
            if (!y.is_string()) return damaged("inputs");
            work.inputs.push_back(TRY(Point::parse_hex(y.get_ref<const std::string&>())));
        }
        for (const json& output : reader.list("outputs")) work.outputs.push_back(TRY(read_output(output)));
        TRY(reader.good());
        if (work.outputs.empty()) return damaged("outputs");
        works.push_back(std::move(work));
    }
    return works;
}

Result<std::vector<Coin>> read_coins(const json& list)
{
    std::vector<Coin> coins;
    for (const json& object : list) {
        RecordReader reader(object);
        Coin coin;
        const std::string kind = reader.text("kind");
        const auto known = std::ranges::find(kCoins, kind, [](const auto& row) { return row.second; });
        if (known == kCoins.end()) return damaged("coins");
        coin.kind = known->first;
        coin.token = reader.text("token");
        coin.value = Sat(reader.number("value_sat"));
        coin.spent = reader.flag("spent");
        TRY(reader.good());
        coins.push_back(std::move(coin));
    }
    return coins;
}

Result<Quote> read_quote(const json& object)
{
    RecordReader reader(object);
    Quote quote{reader.text("id"), reader.text("invoice"), Sat(reader.number("amount_sat")),
                reader.optional_time("expiry"), reader.flag("signed")};
    TRY(reader.good());
    return quote;
}

Result<Request> read_request(const json& object)
{
    RecordReader reader(object);
    Request request{reader.text("authorization"), reader.text("body"), reader.time("expires_at")};
    TRY(reader.good());
    return request;
}

Result<Refusal> read_refusal(const json& object)
{
    RecordReader reader(object);
    Refusal refusal{static_cast<int>(reader.number("http_status", 999)), reader.text("word"), reader.text("message")};
    TRY(reader.good());
    return refusal;
}

Result<Tunnel> read_tunnel(const json& object)
{
    RecordReader reader(object);
    Tunnel tunnel{reader.text("config"), reader.optional_time("expires_at"), reader.text("session_url"),
                  reader.number("quantity")};
    TRY(reader.good());
    return tunnel;
}

bool is_of_ecash(Stage stage)
{
    return stage == Stage::quoted || stage == Stage::funding || stage == Stage::ready || stage == Stage::asked ||
           stage == Stage::refused;
}

/// What a stage is built on must be there.
Result<void> check_whole(const Record& record)
{
    if (!record.lightning && !record.offer.lock) return damaged("lock");
    if (record.lightning && is_of_ecash(record.stage)) return damaged("stage");
    switch (record.stage) {
    case Stage::begun:
        return {};
    case Stage::quoted:
        if (!record.quote) return damaged("quote");
        return {};
    case Stage::funding:
        if (record.funding.empty()) return damaged("funding");
        return {};
    case Stage::ready:
        if (!record.payment) return damaged("payment");
        return {};
    case Stage::refunded:
        if (!record.payment && !record.lightning) return damaged("payment");
        return {};
    case Stage::asked:
    case Stage::refused:
        if (!record.payment || !record.request) return damaged("request");
        return {};
    case Stage::handed:
        if (!record.lightning || record.lightning->lnurl.empty()) return damaged("lnurl");
        return {};
    case Stage::invoiced:
        if (!record.lightning || record.lightning->answer.empty()) return damaged("answer");
        return {};
    case Stage::settled:
        if (!record.lightning || record.lightning->answer.empty() || !record.lightning->preimage)
            return damaged("preimage");
        return {};
    case Stage::delivered:
        if (!record.tunnel) return damaged("tunnel");
        return {};
    }
    return damaged("stage");
}

} // namespace

std::string_view stage_word(Stage stage)
{
    return std::ranges::find(kStages, stage, [](const auto& row) { return row.first; })->second;
}

std::string_view coin_word(Coin::Kind kind)
{
    return std::ranges::find(kCoins, kind, [](const auto& row) { return row.first; })->second;
}

std::string encode_record(const Record& record)
{
    json out = {{"adit_purchase", kVersion},
                {"about", kAbout},
                {"stage", stage_word(record.stage)},
                {"created_at", record.created_at.count()},
                {"offer", encode(record.offer)},
                {"keys",
                 {{"wireguard", secret_hex(record.keys.wireguard.expose())},
                  {"auth", secret_hex(record.keys.auth.expose())},
                  {"refund", secret_hex(record.keys.refund.expose())},
                  {"quote", secret_hex(record.keys.quote.expose())}}},
                {"funding", encode(record.funding)},
                {"redeeming", encode(record.redeeming)}};
    json coins = json::array();
    for (const Coin& coin : record.coins)
        coins.push_back({{"kind", coin_word(coin.kind)},
                         {"token", coin.token},
                         {"value_sat", coin.value.count()},
                         {"spent", coin.spent}});
    out["coins"] = std::move(coins);
    if (record.given) out["given"] = *record.given;
    if (record.quote) {
        out["quote"] = {{"id", record.quote->id},
                        {"invoice", record.quote->invoice},
                        {"amount_sat", record.quote->amount.count()},
                        {"signed", record.quote->signed_minting}};
        if (record.quote->expiry) out["quote"]["expiry"] = record.quote->expiry->count();
    }
    if (record.payment) out["payment"] = *record.payment;
    if (record.locktime) out["locktime"] = record.locktime->count();
    if (record.request)
        out["request"] = {{"authorization", record.request->authorization},
                          {"body", record.request->body},
                          {"expires_at", record.request->expires_at.count()}};
    if (record.puzzle) out["puzzle"] = *record.puzzle;
    if (record.refusal)
        out["refusal"] = {{"http_status", record.refusal->http_status},
                          {"word", record.refusal->word},
                          {"message", record.refusal->message}};
    if (record.tunnel)
        out["tunnel"] = {{"config", record.tunnel->config},
                         {"session_url", record.tunnel->session_url},
                         {"quantity", record.tunnel->quantity}};
    if (record.tunnel && record.tunnel->expires_at) out["tunnel"]["expires_at"] = record.tunnel->expires_at->count();
    if (record.lightning) out["lightning"] = encode_lightning(*record.lightning);
    return out.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Record> parse_record(std::string_view text)
{
    if (text.size() > kMaxRecordBytes) return damaged("too large");
    const auto parsed = protocol::parse_json(text);
    if (!parsed || !parsed->is_object()) return damaged("not JSON");
    RecordReader reader(*parsed);
    if (reader.number("adit_purchase") != kVersion) return damaged("adit_purchase");
    const json* offer = reader.object("offer");
    const json* keys = reader.object("keys");
    if (!offer || !keys) return damaged("offer, keys");

    auto offer_read = TRY(read_offer(*offer));
    auto keys_read = TRY(read_keys(*keys));
    Record record{.created_at = reader.time("created_at"),
                  .offer = std::move(offer_read),
                  .keys = std::move(keys_read),
                  .given = reader.optional_text("given")};
    const std::string stage = reader.text("stage");
    const auto known = std::ranges::find(kStages, stage, [](const auto& row) { return row.second; });
    if (known == kStages.end()) return damaged("stage");
    record.stage = known->first;
    record.funding = TRY(read_works(reader.list("funding")));
    record.redeeming = TRY(read_works(reader.list("redeeming")));
    record.coins = TRY(read_coins(reader.list("coins")));
    record.payment = reader.optional_text("payment");
    record.locktime = reader.optional_time("locktime");
    record.puzzle = reader.optional_text("puzzle");
    if (const json* quote = reader.object("quote")) record.quote = TRY(read_quote(*quote));
    if (const json* request = reader.object("request")) record.request = TRY(read_request(*request));
    if (const json* refusal = reader.object("refusal")) record.refusal = TRY(read_refusal(*refusal));
    if (const json* tunnel = reader.object("tunnel")) record.tunnel = TRY(read_tunnel(*tunnel));
    if (const json* lightning = reader.object("lightning")) record.lightning = TRY(parse_lightning(*lightning));
    TRY(reader.good());
    TRY(check_whole(record));
    return record;
}

Result<Record> load_record(const std::filesystem::path& path)
{
    if (TRY(openness(path)) != FileOpenness::closed)
        return Error{Reason::bad_config, path.string() + " holds keys and money, and others may read it: chmod 600 it"};
    auto record = parse_record(TRY(read_file(path, kMaxRecordBytes)));
    if (!record) return Error{record.error().reason, path.string() + ": " + record.error().detail};
    return record;
}

Result<void> save_record(const std::filesystem::path& path, const Record& record)
{
    crash_point("record_before_save");
    TRY(write_private_file(path, encode_record(record)));
    crash_point("record_after_save");
    return {};
}

Result<void> create_record(const std::filesystem::path& path, const Record& record)
{
    crash_point("record_before_create");
    TRY(create_private_file(path, encode_record(record)));
    crash_point("record_after_create");
    return {};
}

} // namespace adit::cli
