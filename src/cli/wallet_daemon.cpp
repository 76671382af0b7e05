#include "cli/daemon.h"
#include "cli/printable.h"
#include "cli/wallet.h"
#include "protocol/decimal.h"
#include "protocol/json_fields.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace adit::cli {

namespace {

using nlohmann::json;

/// A mint and a receiver are asked in it, each with a timeout of its own.
constexpr Seconds kWhileMoneyMoves{150};

std::optional<std::uint64_t> count_of(std::string_view text)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::int64_t number_in(const json& row, const char* name)
{
    const json* value = protocol::member(row, name);
    return value && value->is_number_integer() ? value->get<std::int64_t>() : 0;
}

std::string text_in(const json& row, const char* name, std::size_t most = 200)
{
    const std::string* text = protocol::text_member(row, name);
    return text ? printable(*text, most) : "";
}

/// An array, or an empty one.
const json& rows_in(const json& answer, const char* name)
{
    static const json none = json::array();
    const json* rows = protocol::member(answer, name);
    return rows && rows->is_array() ? *rows : none;
}

/// Unix seconds as "2026-11-28 12:00:00", in UTC.
std::string when(std::int64_t unix_s)
{
    const std::time_t time = unix_s;
    std::tm parts{};
    if (::gmtime_r(&time, &parts) == nullptr) return std::to_string(unix_s);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

Result<json> ask(const Arguments& arguments, json request)
{
    for (const auto& [option, name] : {std::pair{"--mint", "mint"}, std::pair{"--lock", "lock"}})
        if (const auto given = arguments.value(option)) request[name] = *given;
    return ask_daemon(arguments.value("--socket").value_or(kDefaultSocket), request, kWhileMoneyMoves);
}

/// True: the answer was printed as it came.
bool printed_json(const Arguments& arguments, Terminal& terminal, const json& answer)
{
    if (arguments.has("--json")) terminal.out(answer.dump() + "\n");
    return arguments.has("--json");
}

bool words_are(const Arguments& arguments, std::size_t count) { return arguments.rest().size() == count; }

std::string line(const std::string& name, const std::string& value) { return fitted(name, 18) + value + "\n"; }

std::string transfer_text(const json& row)
{
    const std::string state = text_in(row, "state");
    std::string text =
        line("transfer", std::to_string(number_in(row, "transfer")) + "  " + text_in(row, "what") + ", " + state);
    text += line("amount", std::to_string(number_in(row, "amount_sat")) + " sat");
    if (row.contains("fee_sat")) text += line("fee", std::to_string(number_in(row, "fee_sat")) + " sat");
    text += line("mint", text_in(row, "mint"));
    for (const char* name : {"to", "lock", "payment_hash", "preimage", "reference"})
        if (row.contains(name)) text += line(name, text_in(row, name));
    if (state == "failed") text += line("because", text_in(row, "failed_because") + ": the money is in the wallet");
    if (state == "done" && text_in(row, "what") == "withdraw" && !row.contains("preimage"))
        text += "The mint says that it has paid, and gives no proof of it.\n";
    if (state != "done" && state != "failed")
        text += "The mint has not said yet what became of it. The daemon goes on asking: adit wallet transfer " +
                std::to_string(number_in(row, "transfer")) + "\n";
    if (row.contains("token")) text += "\n" + text_in(row, "token", 1 << 20) + "\n";
    return text;
}

int show_transfer(const Arguments& arguments, Terminal& terminal, const Result<json>& answer)
{
    if (!answer) return failure(terminal, answer.error().detail);
    if (!printed_json(arguments, terminal, *answer)) terminal.out(transfer_text(*answer));
    return kDone;
}

} // namespace

int wallet_balance(const Arguments& arguments, Terminal& terminal)
{
    if (!words_are(arguments, 1)) return usage_error(terminal, "wallet", "expected no further words after balance");
    const auto answer = ask(arguments, {{"command", "wallet-balance"}});
    if (!answer) return failure(terminal, answer.error().detail);
    if (printed_json(arguments, terminal, *answer)) return kDone;
    std::string text;
    for (const json& mint : rows_in(*answer, "mints")) {
        text += fitted(std::to_string(number_in(mint, "wallet_sat")) + " sat", 20) + text_in(mint, "mint") + "\n";
        if (number_in(mint, "pending_sat") != 0)
            text += fitted("", 20) + std::to_string(number_in(mint, "pending_sat")) + " sat on their way\n";
        if (number_in(mint, "owed_sat") != 0)
            text += fitted("", 20) + std::to_string(number_in(mint, "owed_sat")) + " sat of sales not delivered yet\n";
        const json* known = protocol::member(mint, "in_config");
        if (known && *known == false)
            text += fitted("", 20) + "not in the config: name the mint to move what is there\n";
    }
    text += fitted(std::to_string(number_in(*answer, "balance_sat")) + " sat", 20) + "in all\n";
    terminal.out(text);
    return kDone;
}

int wallet_history(const Arguments& arguments, Terminal& terminal)
{
    if (!words_are(arguments, 1)) return usage_error(terminal, "wallet", "expected no further words after history");
    json request = {{"command", "wallet-history"}};
    if (const auto limit = arguments.value("--limit")) {
        const auto number = count_of(*limit);
        if (!number || *number == 0) return usage_error(terminal, "wallet", "--limit wants a number from 1 to 200");
        request["limit"] = *number;
    }
    if (const auto before = arguments.value("--before")) {
        // "1700000000.sale.12", as printed under the page before.
        const auto first = before->find('.');
        const auto second = before->find('.', first == std::string::npos ? first : first + 1);
        if (second == std::string::npos)
            return usage_error(terminal, "wallet", "--before wants what the last page ends with");
        const auto at = count_of(before->substr(0, first));
        const auto row = count_of(before->substr(second + 1));
        const std::string what = before->substr(first + 1, second - first - 1);
        if (!at || !row || (what != "sale" && what != "transfer"))
            return usage_error(terminal, "wallet", "--before wants what the last page ends with");
        request["before"] = {{"at", *at}, {"row", *row}, {"sale", what == "sale"}};
    }
    const auto answer = ask(arguments, request);
    if (!answer) return failure(terminal, answer.error().detail);
    if (printed_json(arguments, terminal, *answer)) return kDone;
    std::string text;
    for (const json& row : rows_in(*answer, "lines")) {
        const bool sale = row.contains("sale");
        text +=
            when(number_in(row, "at")) + "  " +
            fitted((sale ? "sale " : "transfer ") + std::to_string(number_in(row, sale ? "sale" : "transfer")), 16) +
            fitted(text_in(row, sale ? "method" : "what"), 13) + fitted(text_in(row, "state"), 11) +
            fitted((sale || text_in(row, "what") == "nutzap" ? "+" : "-") +
                       std::to_string(number_in(row, "amount_sat")) + " sat",
                   14);
        if (number_in(row, "change_sat") != 0) text += "  change " + std::to_string(number_in(row, "change_sat"));
        if (row.contains("fee_sat")) text += "  fee " + std::to_string(number_in(row, "fee_sat"));
        if (row.contains("to")) text += "  to " + text_in(row, "to");
        text += "\n";
    }
    for (const json& row : rows_in(*answer, "spent_elsewhere"))
        text += std::to_string(number_in(row, "amount_sat")) + " sat were spent by other clients of this wallet, at " +
                text_in(row, "mint") + "\n";
    if (text.empty()) text = "Nothing has happened yet.\n";
    if (const json* next = protocol::member(*answer, "next")) {
        const json* sale = protocol::member(*next, "sale");
        text += "more: adit wallet history --before " + std::to_string(number_in(*next, "at")) +
                (sale && *sale == true ? ".sale." : ".transfer.") + std::to_string(number_in(*next, "row")) + "\n";
    }
    terminal.out(text);
    return kDone;
}

int wallet_transfer(const Arguments& arguments, Terminal& terminal)
{
    const auto number = words_are(arguments, 2) ? count_of(arguments.rest()[1]) : std::nullopt;
    if (!number) return usage_error(terminal, "wallet", "transfer wants the number of one");
    return show_transfer(arguments, terminal, ask(arguments, {{"command", "wallet-transfer"}, {"transfer", *number}}));
}

int wallet_send(const Arguments& arguments, Terminal& terminal)
{
    const auto amount = words_are(arguments, 2) ? count_of(arguments.rest()[1]) : std::nullopt;
    if (!amount || *amount == 0) return usage_error(terminal, "wallet", "send wants an amount in sat");
    return show_transfer(arguments, terminal, ask(arguments, {{"command", "wallet-send"}, {"amount_sat", *amount}}));
}

int wallet_withdraw(const Arguments& arguments, Terminal& terminal)
{
    json request = {{"command", "wallet-withdraw"}};
    if (words_are(arguments, 2)) {
        request["to"] = arguments.rest()[1];
    } else {
        const auto amount = words_are(arguments, 3) ? count_of(arguments.rest()[1]) : std::nullopt;
        if (!amount || *amount == 0)
            return usage_error(terminal, "wallet",
                               "withdraw wants an invoice, or an amount in sat and a Lightning address");
        request["amount_sat"] = *amount;
        request["to"] = arguments.rest()[2];
    }
    if (const auto limit = arguments.value("--max-fee")) {
        const auto number = count_of(*limit);
        if (!number) return usage_error(terminal, "wallet", "--max-fee wants an amount in sat");
        request["max_fee_sat"] = *number;
    }
    return show_transfer(arguments, terminal, ask(arguments, std::move(request)));
}

int wallet_audit(const Arguments& arguments, Terminal& terminal)
{
    if (!words_are(arguments, 1)) return usage_error(terminal, "wallet", "expected no further words after audit");
    const auto answer = ask(arguments, {{"command", "wallet-audit"}, {"online", arguments.has("--online")}});
    if (!answer) return failure(terminal, answer.error().detail);
    const json* balanced = protocol::member(*answer, "balanced");
    const json* online = protocol::member(*answer, "online");
    const bool good = balanced && *balanced == true && (!online || rows_in(*online, "faults").empty());
    if (printed_json(arguments, terminal, *answer)) return good ? kDone : kFailed;
    constexpr std::pair<const char*, const char*> kParts[]{{"wallet_sat", "in the wallet"},
                                                           {"pending_sat", "on their way"},
                                                           {"owed_sat", "of sales not delivered yet"},
                                                           {"paid_out_sat", "paid out"},
                                                           {"fees_sat", "fees"},
                                                           {"change_sat", "change to buyers"},
                                                           {"refunds_sat", "refunds to buyers"},
                                                           {"spent_elsewhere_sat", "spent by other clients"}};
    const auto sum_line = [](char sign, std::int64_t amount, const char* what) {
        const std::string number = std::to_string(amount);
        return std::string("  ") + sign + std::string(number.size() < 14 ? 14 - number.size() : 1, ' ') + number +
               "  " + what + "\n";
    };
    std::string text;
    for (const json& mint : rows_in(*answer, "mints")) {
        text += text_in(mint, "mint") + "\n";
        text += sum_line(' ', number_in(mint, "sales_sat"), "from sales");
        text += sum_line('+', number_in(mint, "nutzaps_sat"), "from nutzaps");
        text += sum_line('+', number_in(mint, "found_sat"), "from other clients, or restored");
        text += sum_line('=', number_in(mint, "received_sat"), "received");
        for (const auto& [name, what] : kParts) text += sum_line('-', number_in(mint, name), what);
        text += sum_line('=', number_in(mint, "difference_sat"), "difference");
    }
    if (online) text += std::to_string(number_in(*online, "proofs")) + " proofs were asked for at their mints\n";
    for (const json* part : {&*answer, online})
        if (part)
            for (const json& fault : rows_in(*part, "faults"))
                if (fault.is_string()) text += "wrong: " + printable(fault.get<std::string>(), 300) + "\n";
    if (online)
        for (const json& silent : rows_in(*online, "not_asked"))
            if (silent.is_string()) text += "not asked: " + printable(silent.get<std::string>(), 300) + "\n";
    text += good ? "The books balance.\n" : "The books do not balance.\n";
    terminal.out(text);
    return good ? kDone : kFailed;
}

} // namespace adit::cli
