// Minting and melting: the mint's two doors to a Lightning network that is only pretended. NUT-04, 05, 08, 20, 23.
#include "base/hash.h"
#include "devnet/bolt11.h"
#include "devnet/mint.h"
#include "payments/cashu/nut20.h"
#include "payments/cashu/p2pk.h"
#include "protocol/json.h"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

namespace adit::devnet {

namespace cashu = payments::cashu;
using nlohmann::json;

namespace {

/// A request's JSON object, depth-checked.
Judged<json> object_of(std::string_view body)
{
    auto parsed = protocol::parse_json(body);
    if (!parsed) return malformed(parsed.error().detail);
    if (!parsed->is_object()) return malformed("expected an object");
    return std::move(*parsed);
}

Judged<std::string> text_member_of(const json& object, const char* key)
{
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) return malformed(std::string(key) + ": expected a string");
    return found->get<std::string>();
}

/// Absent or null: none.
Judged<std::optional<std::string>> optional_text(const json& object, const char* key)
{
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return std::optional<std::string>();
    return std::optional(TRY(text_member_of(object, key)));
}

bool verify_quote(QuoteSignatures accepted, const std::string& quote, std::span<const cashu::BlindedMessage> outputs,
                  const cashu::Point& key, const ByteArray<64>& signature)
{
    using cashu::QuoteMessage;
    const bool amended = cashu::verify_mint_quote(QuoteMessage::amended, quote, outputs, key, signature);
    const bool legacy = cashu::verify_mint_quote(QuoteMessage::legacy, quote, outputs, key, signature);
    switch (accepted) {
    case QuoteSignatures::both:
        return amended || legacy;
    case QuoteSignatures::amended_only:
        return amended;
    case QuoteSignatures::legacy_only:
        return legacy;
    }
    return false;
}

/// What is set aside for routing: 1 %, at least 2 sat. Half of it is then needed.
Sat reserve_for(Sat amount) { return Sat(std::max<std::uint64_t>(2, amount.count() / 100)); }
Sat routing_fee(Sat reserve) { return Sat(reserve.count() / 2); }

/// The largest parts of `amount`, at most `most` of them, ascending.
std::vector<Sat> change_parts(Sat amount, std::size_t most)
{
    std::vector<Sat> parts;
    for (std::uint64_t left = amount.count(); left != 0 && parts.size() < most;) {
        const std::uint64_t part = std::bit_floor(left);
        parts.emplace_back(part);
        left -= part;
    }
    std::reverse(parts.begin(), parts.end());
    return parts;
}

} // namespace

std::string Mint::encode_quote(const std::string& id, const Quote& quote, std::string_view state) const
{
    json object{{"quote", id},
                {"request", quote.request},
                {"amount", quote.amount.count()},
                {"unit", "sat"},
                {"state", state},
                {"expiry", quote.expiry.count()},
                {"amount_paid", quote.paid ? quote.amount.count() : 0},
                {"amount_issued", quote.issued ? quote.amount.count() : 0}};
    if (quote.pubkey) object["pubkey"] = quote.pubkey->hex();
    return object.dump();
}

Judged<std::string> Mint::new_mint_quote(std::string_view body)
{
    const json request = TRY(object_of(body));
    if (settings_.minting == Minting::disabled) return refusal(NutCode::minting_disabled, "minting is disabled");
    if (TRY(text_member_of(request, "unit")) != "sat") return refusal(NutCode::unit_unsupported, "unit not supported");
    const auto amount = request.find("amount");
    if (amount == request.end() || !amount->is_number_unsigned()) return malformed("amount: expected an integer");
    Quote quote{};
    quote.amount = Sat(amount->get<std::uint64_t>());
    if (quote.amount == Sat() || quote.amount > kMaxQuote)
        return refusal(NutCode::amount_outside_limits, "amount outside of limits");
    if (const auto key = TRY(optional_text(request, "pubkey"))) {
        const auto point = cashu::Point::parse_hex(*key);
        if (!point) return malformed("pubkey: not a compressed key");
        quote.pubkey = *point;
    }
    quote.preimage = rng_.bytes<32>();
    quote.expiry = clock_.now() + settings_.quote_expiry;
    const std::string description = TRY(optional_text(request, "description")).value_or("");
    quote.request = encode_invoice({to_msat(quote.amount), clock_.now(), settings_.quote_expiry, sha256(quote.preimage),
                                    rng_.bytes<32>(), description},
                                   node_key_);
    const std::string id = encode_hex(rng_.bytes<16>());
    // As at the mints in use, the invoice is never paid yet when it is handed out.
    std::string answer = encode_quote(id, quote, "UNPAID");
    quote.paid = settings_.quote_payment == QuotePayment::automatic;
    mint_quotes_.emplace(id, std::move(quote));
    return answer;
}

Judged<std::string> Mint::mint_quote(std::string_view id) const
{
    const auto found = mint_quotes_.find(std::string(id));
    if (found == mint_quotes_.end()) return malformed("quote not known");
    const Quote& quote = found->second;
    return encode_quote(found->first, quote, quote.issued ? "ISSUED" : quote.paid ? "PAID" : "UNPAID");
}

Judged<std::string> Mint::mint(std::string_view body)
{
    const auto request = cashu::parse_mint(body);
    if (!request) return malformed(request.error().detail);
    if (settings_.minting == Minting::disabled) return refusal(NutCode::minting_disabled, "minting is disabled");
    const auto found = mint_quotes_.find(request->quote);
    if (found == mint_quotes_.end()) return malformed("quote not known");
    Quote& quote = found->second;
    if (quote.issued) return refusal(NutCode::quote_already_issued, "quote already issued");
    if (!quote.paid && quote.expiry < clock_.now()) return refusal(NutCode::quote_expired, "quote expired");
    if (!quote.paid) return refusal(NutCode::quote_not_paid, "quote not paid");
    if (quote.pubkey && (!request->signature || !verify_quote(settings_.quote_signatures, request->quote,
                                                              request->outputs, *quote.pubkey, *request->signature)))
        return refusal(NutCode::bad_quote_signature, "signature of the mint request is absent or wrong");
    const auto [unit, total] = TRY(judge_outputs(request->outputs, Amounts::stated));
    if (!unit.empty() && unit != "sat") return refusal(NutCode::units_differ, "outputs are of another unit");
    if (total != quote.amount) return refusal(NutCode::not_balanced, "outputs are not the amount of the quote");
    quote.issued = true;
    const Signatures promises = sign(request->outputs);
    book(MintTransaction::Kind::mint, {"sat", {}, {}, {}}, request->outputs, promises, {quote.amount, {}});
    return cashu::encode_signatures(promises);
}

bool Mint::pay_quote(const std::string& id)
{
    const std::lock_guard lock(mutex_);
    const auto found = mint_quotes_.find(id);
    if (found == mint_quotes_.end()) return false;
    found->second.paid = true;
    return true;
}

Mint::Quote* Mint::quote_with(std::string_view request)
{
    for (auto& [id, quote] : mint_quotes_)
        if (quote.request == request) return &quote;
    return nullptr;
}

Judged<std::string> Mint::new_melt_quote(std::string_view body)
{
    const json request = TRY(object_of(body));
    if (TRY(text_member_of(request, "unit")) != "sat") return refusal(NutCode::unit_unsupported, "unit not supported");
    MeltQuote quote{};
    quote.request = TRY(text_member_of(request, "request"));
    const auto invoice = parse_invoice(quote.request);
    if (!invoice) return malformed("request: " + invoice.error().detail);
    quote.payment_hash = encode_hex(invoice->payment_hash);
    if (melted_hashes_.contains(quote.payment_hash))
        return refusal(NutCode::invoice_already_paid, "invoice already paid");

    std::optional<Msat> asked;
    if (const auto options = request.find("options"); options != request.end() && options->is_object()) {
        const auto amountless = options->find("amountless");
        if (options->contains("mpp")) return malformed("options: partial payments are not supported");
        if (amountless != options->end() && amountless->is_object()) {
            const auto amount = amountless->find("amount_msat");
            if (amount == amountless->end() || !amount->is_number_unsigned())
                return malformed("amount_msat: expected an integer");
            asked = Msat(amount->get<std::uint64_t>());
        }
    }
    if (!invoice->amount && !asked) return refusal(NutCode::amountless_invoice, "the invoice has no amount");
    if (invoice->amount && asked && *asked != *invoice->amount)
        return refusal(NutCode::amount_not_of_invoice, "the amount is not that of the invoice");
    const std::uint64_t msat = (invoice->amount ? *invoice->amount : *asked).count();
    quote.amount = Sat(msat / 1000 + (msat % 1000 != 0 ? 1 : 0));
    if (quote.amount == Sat() || quote.amount > kMaxQuote)
        return refusal(NutCode::amount_outside_limits, "amount outside of limits");
    quote.fee_reserve = reserve_for(quote.amount);
    quote.expiry = clock_.now() + settings_.quote_expiry;
    const Quote* const own = quote_with(quote.request);
    quote.preimage = encode_hex(own ? own->preimage : rng_.bytes<32>());
    const std::string id = encode_hex(rng_.bytes<16>());
    return encode_melt(id, melt_quotes_.emplace(id, std::move(quote)).first->second);
}

std::string Mint::encode_melt(const std::string& id, const MeltQuote& quote) const
{
    json object{{"quote", id},
                {"request", quote.request},
                {"amount", quote.amount.count()},
                {"unit", "sat"},
                {"fee_reserve", quote.fee_reserve.count()},
                {"expiry", quote.expiry.count()},
                {"state", "UNPAID"},
                {"payment_preimage", nullptr}};
    switch (quote.state) {
    case MeltQuote::State::unpaid:
        break;
    case MeltQuote::State::pending:
        object["state"] = "PENDING";
        break;
    case MeltQuote::State::paid:
        object["state"] = "PAID";
        object["payment_preimage"] = quote.preimage;
        object["change"] = json::parse(cashu::encode_signatures(quote.change))["signatures"];
        break;
    }
    return object.dump();
}

Judged<std::string> Mint::melt_quote(std::string_view id) const
{
    const auto found = melt_quotes_.find(std::string(id));
    if (found == melt_quotes_.end()) return malformed("quote not known");
    return encode_melt(found->first, found->second);
}

Judged<std::string> Mint::melt(std::string_view body)
{
    const json request = TRY(object_of(body));
    const std::string id = TRY(text_member_of(request, "quote"));
    if (!request.contains("inputs")) return malformed("no inputs");
    auto proofs = cashu::parse_proofs(request["inputs"].dump());
    if (!proofs) return malformed(proofs.error().detail);
    Outputs blanks;
    if (const auto outputs = request.find("outputs"); outputs != request.end() && !outputs->is_null()) {
        auto parsed = cashu::parse_restore(json{{"outputs", *outputs}}.dump());
        if (!parsed) return malformed(parsed.error().detail);
        blanks = std::move(*parsed);
    }
    const auto found = melt_quotes_.find(id);
    if (found == melt_quotes_.end()) return malformed("quote not known");
    return melt_with(id, found->second, std::move(*proofs), std::move(blanks));
}

Judged<std::string> Mint::melt_with(const std::string& id, MeltQuote& quote, Proofs proofs, Outputs blanks)
{
    if (quote.state == MeltQuote::State::pending) return refusal(NutCode::quote_pending, "quote is pending");
    if (quote.state == MeltQuote::State::paid || melted_hashes_.contains(quote.payment_hash))
        return refusal(NutCode::invoice_already_paid, "invoice already paid");
    if (quote.expiry < clock_.now()) return refusal(NutCode::quote_expired, "quote expired");
    Inputs inputs = TRY(judge_inputs(proofs));
    if (inputs.unit != "sat") return refusal(NutCode::units_differ, "inputs are of another unit");
    const std::string unit = TRY(judge_outputs(blanks, Amounts::blank)).first;
    if (!unit.empty() && unit != "sat") return refusal(NutCode::units_differ, "outputs are of another unit");
    const auto spendable = cashu::verify_spending_conditions(proofs, blanks, clock_.now(), id);
    if (!spendable) return refusal(NutCode::not_verified, "spending condition: " + spendable.error().detail);
    const auto needed = sum(Sat(quote.amount.count() + quote.fee_reserve.count()), inputs.fee);
    if (!needed || inputs.total < *needed)
        return refusal(NutCode::not_balanced, "inputs do not cover amount, fee reserve and fees");

    quote.inputs = std::move(inputs);
    quote.proofs = std::move(proofs);
    quote.blanks = std::move(blanks);
    if (hold_melts_) {
        quote.state = MeltQuote::State::pending;
        pending_.insert(quote.inputs.ys.begin(), quote.inputs.ys.end());
        for (const cashu::BlindedMessage& blank : quote.blanks) pending_outputs_.insert(blank.b.hex());
    } else if (!finish_melt(quote)) {
        give_up_melt(quote, pending_, pending_outputs_);
        return refusal(NutCode::payment_failed, "the payment has failed");
    }
    return encode_melt(id, quote);
}

void Mint::give_up_melt(MeltQuote& quote, std::unordered_set<std::string>& ys, std::unordered_set<std::string>& outputs)
{
    for (const std::string& y : quote.inputs.ys) ys.erase(y);
    for (const cashu::BlindedMessage& blank : quote.blanks) outputs.erase(blank.b.hex());
    quote.state = MeltQuote::State::unpaid;
}

bool Mint::finish_melt(MeltQuote& quote)
{
    Quote* const own = quote_with(quote.request);
    if (!own && payer_) {
        const auto preimage = payer_(quote.request);
        if (!preimage) return false;
        quote.preimage = encode_hex(*preimage);
    }
    const Sat routing = own ? Sat() : routing_fee(quote.fee_reserve);
    const Sat sent(quote.amount.count() + routing.count());
    const Sat over(quote.inputs.total.count() - quote.inputs.fee.count() - sent.count());
    const std::vector<Sat> parts = change_parts(over, quote.blanks.size());
    Outputs outputs(quote.blanks.begin(), quote.blanks.begin() + static_cast<std::ptrdiff_t>(parts.size()));
    for (std::size_t i = 0; i < parts.size(); ++i) outputs[i].amount = parts[i];

    for (const cashu::BlindedMessage& blank : quote.blanks) pending_outputs_.erase(blank.b.hex());
    quote.change = sign(outputs);
    spend(quote.inputs, quote.proofs);
    book(MintTransaction::Kind::melt, quote.inputs, outputs, quote.change, {{}, sent});
    quote.state = MeltQuote::State::paid;
    melted_hashes_.insert(quote.payment_hash);
    if (own) own->paid = true;
    return true;
}

void Mint::set_payer(Payer payer)
{
    const std::lock_guard lock(mutex_);
    payer_ = std::move(payer);
}

void Mint::hold_melts(bool hold)
{
    const std::lock_guard lock(mutex_);
    hold_melts_ = hold;
}

std::vector<std::string> Mint::pending_melts() const
{
    const std::lock_guard lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, quote] : melt_quotes_)
        if (quote.state == MeltQuote::State::pending) ids.push_back(id);
    return ids;
}

bool Mint::settle_melt(const std::string& id, MeltEnd end)
{
    const std::lock_guard lock(mutex_);
    const auto found = melt_quotes_.find(id);
    if (found == melt_quotes_.end() || found->second.state != MeltQuote::State::pending) return false;
    MeltQuote& quote = found->second;
    switch (end) {
    case MeltEnd::paid:
        if (!finish_melt(quote)) give_up_melt(quote, pending_, pending_outputs_);
        break;
    case MeltEnd::failed:
        give_up_melt(quote, pending_, pending_outputs_);
        break;
    }
    return true;
}

} // namespace adit::devnet
