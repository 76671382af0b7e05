#include "app/money_commands.h"

#include "app/books.h"
#include "payments/lightning/pay_address.h"
#include "protocol/json_fields.h"
#include "protocol/nip19.h"

#include <nlohmann/json.hpp>

namespace adit::app {

namespace {

using Json = nlohmann::json;
using payments::Transfer;
using store::HistoryLine;

constexpr std::uint64_t kMostSats = 2'100'000'000'000'000;
constexpr std::size_t kHistoryPage = 50;
/// Of a withdraw that names no limit: 1 %, and no less than this.
constexpr std::uint64_t kLeastFeeLimit = 10;

Error expected(const std::string& what) { return {Reason::bad_request, "expected " + what}; }

Result<payments::Transfers*> transfers_of(const MoneyDesk& desk)
{
    if (!desk.transfers)
        return Error{Reason::policy, "the config has no sales key ([cashu].p2pk_privkey_file), so there is no wallet"};
    return desk.transfers;
}

Result<std::optional<std::uint64_t>> number_in(const Json& request, const char* name, std::uint64_t most)
{
    const Json* given = protocol::member(request, name);
    if (!given) return std::optional<std::uint64_t>();
    const auto number = protocol::whole_number(*given, most);
    if (!number) return expected(std::string(name) + " to be a whole number up to " + std::to_string(most));
    return std::optional(*number);
}

Result<std::optional<std::string>> text_in(const Json& request, const char* name)
{
    if (!protocol::member(request, name)) return std::optional<std::string>();
    const std::string* text = protocol::text_member(request, name);
    if (!text || text->empty()) return expected(std::string(name) + " to be a text");
    return std::optional(*text);
}

Json row_of(const Transfer& transfer)
{
    Json row = {{"transfer", number_of(transfer.id)},        {"what", kind_word(transfer.what.kind)},
                {"state", state_word(transfer.state)},       {"at", transfer.created_at.count()},
                {"since", transfer.state_since.count()},     {"mint", transfer.what.mint},
                {"amount_sat", transfer.what.amount.count()}};
    if (transfer.fee) row["fee_sat"] = transfer.fee->count();
    if (transfer.what.max_fee) row["max_fee_sat"] = transfer.what.max_fee->count();
    if (transfer.what.address) row["to"] = *transfer.what.address;
    if (transfer.what.lock) row["lock"] = transfer.what.lock->hex();
    if (transfer.what.hash) row["payment_hash"] = encode_hex(*transfer.what.hash);
    if (transfer.what.purchase) row["purchase"] = number_of(*transfer.what.purchase);
    if (transfer.what.reference) row["reference"] = *transfer.what.reference;
    if (transfer.failed_because) row["failed_because"] = *transfer.failed_because;
    return row;
}

/// With what only the operator may see.
Json whole_row_of(const Transfer& transfer)
{
    Json row = row_of(transfer);
    if (transfer.token) row["token"] = *transfer.token;
    if (transfer.preimage) row["preimage"] = *transfer.preimage;
    if (transfer.what.invoice) row["invoice"] = *transfer.what.invoice;
    return row;
}

Json row_of(const HistoryLine& line)
{
    if (line.transfer) return row_of(*line.transfer);
    const store::Purchase& sale = *line.sale;
    Json row = {{"sale", number_of(sale.id)},
                {"what", "sale"},
                {"state", session::state_word(sale.state)},
                {"at", sale.created_at.count()},
                {"method", session::method_word(sale.method)},
                {"amount_sat", sale.paid.count()},
                {"price_sat", sale.price.count()}};
    if (sale.mint) row["mint"] = *sale.mint;
    const auto change = sale.change ? worth_of_token(*sale.change) : Sat{};
    if (sale.mint && line.kept && change) {
        row["change_sat"] = change->count();
        if (const auto fee = difference(sale.paid, Sat(line.kept->count() + change->count())))
            row["fee_sat"] = fee->count();
    }
    return row;
}

Result<std::string> balance(const MoneyDesk& desk)
{
    std::vector<payments::MintFunds> funds;
    if (desk.transfers) funds = TRY(desk.transfers->funds());
    const Audit all = audit(TRY(desk.store.books(worth_of_token)));
    Json mints = Json::array();
    std::uint64_t sum = 0;
    for (const MintBooks& books : all.mints) {
        Json row = {{"mint", books.mint},
                    {"wallet_sat", books.wallet},
                    {"pending_sat", books.pending},
                    {"owed_sat", books.owed}};
        const auto here = std::ranges::find(funds, books.mint, &payments::MintFunds::mint);
        row["payable_sat"] = here == funds.end() ? 0 : here->payable.count();
        row["in_config"] = here != funds.end();
        sum += books.wallet;
        mints.push_back(std::move(row));
    }
    return Json{{"balance_sat", sum}, {"mints", std::move(mints)}}.dump();
}

Result<std::string> history(const MoneyDesk& desk, const Json& request)
{
    const auto limit = TRY(number_in(request, "limit", 200)).value_or(kHistoryPage);
    std::optional<store::HistoryPlace> before;
    if (const Json* place = protocol::member(request, "before")) {
        const auto at = TRY(number_in(*place, "at", std::numeric_limits<std::int64_t>::max()));
        const auto row = TRY(number_in(*place, "row", std::numeric_limits<std::int64_t>::max()));
        const Json* sale = protocol::member(*place, "sale");
        if (!at || !row || !sale || !sale->is_boolean()) return expected("before as an earlier answer's next");
        before = store::HistoryPlace{UnixSeconds(static_cast<std::int64_t>(*at)), sale->get<bool>(),
                                     static_cast<std::int64_t>(*row)};
    }
    const auto lines = TRY(desk.store.history(before, limit));
    Json rows = Json::array();
    for (const HistoryLine& line : lines) rows.push_back(row_of(line));
    Json answer = {{"lines", std::move(rows)}};
    if (lines.size() == limit && limit > 0) {
        const HistoryLine& last = lines.back();
        answer["next"] = {{"at", last.at.count()},
                          {"sale", last.sale.has_value()},
                          {"row", last.sale ? number_of(last.sale->id) : number_of(last.transfer->id)}};
    }
    std::map<std::string, std::uint64_t> elsewhere;
    for (const auto& proof : TRY(desk.store.wallet_proofs(store::ProofState::spent_elsewhere)))
        elsewhere[proof.mint] += proof.proof.amount.count();
    Json spent = Json::array();
    for (const auto& [mint, sum] : elsewhere) spent.push_back({{"mint", mint}, {"amount_sat", sum}});
    answer["spent_elsewhere"] = std::move(spent);
    return answer.dump();
}

Result<std::string> show_transfer(const MoneyDesk& desk, const Json& request)
{
    const auto number = TRY(number_in(request, "transfer", std::numeric_limits<std::int64_t>::max()));
    if (!number) return expected("the number of a transfer");
    const auto transfer = desk.store.transfer(payments::TransferId{static_cast<std::int64_t>(*number)});
    if (!transfer && transfer.error().reason == Reason::not_found)
        return Error{Reason::bad_request, "there is no transfer " + std::to_string(*number)};
    if (!transfer) return transfer.error();
    return whole_row_of(*transfer).dump();
}

Result<std::string> send(const MoneyDesk& desk, const Json& request)
{
    payments::Transfers* transfers = TRY(transfers_of(desk));
    const auto amount = TRY(number_in(request, "amount_sat", kMostSats));
    if (!amount || *amount == 0) return expected("amount_sat, more than 0");
    payments::SendOrder order{.amount = Sat(*amount)};
    order.mint = TRY(text_in(request, "mint"));
    if (const auto lock = TRY(text_in(request, "lock"))) {
        auto key = protocol::parse_public_key(*lock);
        if (!key) return expected("lock to be an npub or 64 hex digits");
        order.lock = *key;
    }
    const Transfer transfer = TRY(transfers->send(order));
    desk.moved();
    return whole_row_of(transfer).dump();
}

bool is_invoice(std::string_view text) { return payments::lightning::parse_bolt11(text).has_value(); }

Result<std::string> withdraw(const MoneyDesk& desk, const Json& request)
{
    payments::Transfers* transfers = TRY(transfers_of(desk));
    const auto to = TRY(text_in(request, "to"));
    if (!to) return expected("to: an invoice or a Lightning address");
    const auto amount = TRY(number_in(request, "amount_sat", kMostSats));
    payments::WithdrawOrder order;
    order.mint = TRY(text_in(request, "mint"));
    std::uint64_t sum = 0;
    if (is_invoice(*to)) {
        const auto invoice = TRY(payments::lightning::parse_bolt11(*to));
        sum = invoice.amount ? (invoice.amount->count() + 999) / 1000 : 0;
        if (amount && sum != *amount) return expected("no amount beside an invoice over another");
        order.invoice = *to;
    } else {
        TRY(payments::lightning::pay_address_url(*to));
        if (!amount || *amount == 0) return expected("amount_sat, more than 0, beside a Lightning address");
        sum = *amount;
        order.invoice = TRY(payments::lightning::ask_pay_address(desk.http, *to, Sat(sum), desk.clock.now()));
        order.address = *to;
    }
    const auto limit = TRY(number_in(request, "max_fee_sat", kMostSats));
    order.max_fee = Sat(limit.value_or(std::max(kLeastFeeLimit, (sum + 99) / 100)));
    const Transfer transfer = TRY(transfers->withdraw(order));
    desk.moved();
    return whole_row_of(transfer).dump();
}

Result<std::string> audit_now(const MoneyDesk& desk, const Json& request)
{
    const Audit all = audit(TRY(desk.store.books(worth_of_token)));
    Json mints = Json::array();
    for (const MintBooks& books : all.mints)
        mints.push_back({{"mint", books.mint},
                         {"received_sat", books.received()},
                         {"sales_sat", books.sales},
                         {"nutzaps_sat", books.nutzaps},
                         {"found_sat", books.found},
                         {"wallet_sat", books.wallet},
                         {"pending_sat", books.pending},
                         {"owed_sat", books.owed},
                         {"paid_out_sat", books.paid_out},
                         {"fees_sat", books.fees},
                         {"change_sat", books.change},
                         {"refunds_sat", books.refunds},
                         {"spent_elsewhere_sat", books.spent_elsewhere},
                         {"difference_sat",
                          static_cast<std::int64_t>(books.received()) - static_cast<std::int64_t>(books.accounted())}});
    Json answer = {{"balanced", all.balanced()}, {"mints", std::move(mints)}, {"faults", all.faults}};
    const Json* online = protocol::member(request, "online");
    if (online && online->is_boolean() && online->get<bool>()) {
        const OnlineAudit said = TRY(audit_online(desk.store, desk.mints));
        answer["online"] = {{"proofs", said.asked}, {"not_asked", said.unreachable}, {"faults", said.faults}};
    }
    return answer.dump();
}

} // namespace

AdminCommands money_commands(const MoneyDesk& desk)
{
    return {{"wallet-balance", [desk](const Json&) { return balance(desk); }},
            {"wallet-history", [desk](const Json& request) { return history(desk, request); }},
            {"wallet-transfer", [desk](const Json& request) { return show_transfer(desk, request); }},
            {"wallet-send", [desk](const Json& request) { return send(desk, request); }},
            {"wallet-withdraw", [desk](const Json& request) { return withdraw(desk, request); }},
            {"wallet-audit", [desk](const Json& request) { return audit_now(desk, request); }}};
}

} // namespace adit::app
