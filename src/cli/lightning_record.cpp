#include "cli/lightning_record.h"

#include "cli/record_reader.h"

#include <algorithm>
#include <array>

namespace adit::cli {

using nlohmann::json;

namespace {

constexpr std::array<std::pair<LightningMode, std::string_view>, 2> kModes{{
    {LightningMode::invoice, "invoice"},
    {LightningMode::lnurl, "lnurl"},
}};
constexpr std::array<std::pair<PayerChoice::Kind, std::string_view>, 2> kPayers{{
    {PayerChoice::Kind::lnd, "lnd"},
    {PayerChoice::Kind::phoenixd, "phoenixd"},
}};
constexpr std::array<std::pair<Attempt, std::string_view>, 3> kAttempts{{
    {Attempt::none, "none"},
    {Attempt::begun, "begun"},
    {Attempt::failed, "failed"},
}};

template<typename Rows, typename Value>
std::string_view word_of(const Rows& rows, Value value)
{
    return std::ranges::find(rows, value, [](const auto& row) { return row.first; })->second;
}

template<typename Value, std::size_t N>
Result<Value> value_of(const std::array<std::pair<Value, std::string_view>, N>& rows, std::string_view word,
                       std::string_view member)
{
    const auto found = std::ranges::find(rows, word, [](const auto& row) { return row.second; });
    if (found == rows.end()) return damaged(member);
    return found->first;
}

Result<PayerChoice> parse_payer(const json& object)
{
    RecordReader reader(object);
    PayerChoice payer;
    payer.kind = TRY(value_of(kPayers, reader.text("kind"), "kind"));
    payer.url = reader.text("url");
    payer.secret_file = reader.text("secret_file");
    payer.cert_file = reader.text("cert_file");
    if (reader.object("max_fee_sat") != nullptr) payer.max_fee = Sat(reader.number("max_fee_sat"));
    TRY(reader.good());
    return payer;
}

} // namespace

json encode_lightning(const LightningPurchase& purchase)
{
    json out = {{"mode", word_of(kModes, purchase.mode)},
                {"lnurl", purchase.lnurl},
                {"metadata", purchase.metadata},
                {"answer", purchase.answer},
                {"attempt", word_of(kAttempts, purchase.attempt)}};
    if (purchase.payer)
        out["payer"] = {{"kind", word_of(kPayers, purchase.payer->kind)},
                        {"url", purchase.payer->url},
                        {"secret_file", purchase.payer->secret_file},
                        {"cert_file", purchase.payer->cert_file}};
    if (purchase.payer && purchase.payer->max_fee) out["payer"]["max_fee_sat"] = purchase.payer->max_fee->count();
    if (purchase.preimage) out["preimage"] = encode_hex(purchase.preimage->expose());
    return out;
}

Result<LightningPurchase> parse_lightning(const json& object)
{
    RecordReader reader(object);
    LightningPurchase purchase;
    purchase.mode = TRY(value_of(kModes, reader.text("mode"), "mode"));
    purchase.attempt = TRY(value_of(kAttempts, reader.text("attempt"), "attempt"));
    purchase.lnurl = reader.text("lnurl");
    purchase.metadata = reader.text("metadata");
    purchase.answer = reader.text("answer");
    if (const json* payer = reader.object("payer")) purchase.payer = TRY(parse_payer(*payer));
    if (reader.object("preimage") != nullptr) purchase.preimage = TRY(parse_secret_hex<32>(reader.text("preimage")));
    TRY(reader.good());
    return purchase;
}

} // namespace adit::cli
