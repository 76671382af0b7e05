#include "devnet/mint.h"

#include "base/hash.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/dleq.h"
#include "payments/cashu/p2pk.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace adit::devnet {

namespace cashu = payments::cashu;

namespace {

constexpr std::size_t kMaxSecretLength = 1024; // as the mints in use have it

constexpr std::string_view kCachedPaths[]{"/v1/mint/bolt11", "/v1/swap", "/v1/melt/bolt11"};

bool is_cached(std::string_view method, std::string_view path)
{
    return method == "POST" &&
           std::find(std::begin(kCachedPaths), std::end(kCachedPaths), path) != std::end(kCachedPaths);
}

} // namespace

Mint::Mint(const Clock& clock, Rng& rng, MintSettings settings)
    : clock_(clock), rng_(rng), settings_(std::move(settings)), node_key_(cashu::random_scalar(rng))
{
    insert_keyset({"sat", settings_.version, settings_.fee_ppk, true, {}});
}

MintAnswer Mint::handle(std::string_view method, std::string_view path, std::string_view body)
{
    const std::lock_guard lock(mutex_);
    const bool cached = settings_.caching == Caching::on && is_cached(method, path);
    const std::string cache_key = cached ? std::string(path) + ' ' + encode_hex(sha256(as_bytes(body))) : "";
    if (const auto known = cache_.find(cache_key); cached && known != cache_.end()) {
        ++replayed_;
        return {200, known->second};
    }
    auto judged = route(method, path, body);
    if (!judged.has_value()) {
        const Refusal refused = std::move(judged).error();
        if (refused.code == 404) return {404, R"({"detail":"Not Found"})"};
        return {400, cashu::encode_refusal(refused)};
    }
    std::string answer = std::move(judged).value();
    if (cached) cache_.emplace(cache_key, answer);
    return {200, std::move(answer)};
}

Judged<std::string> Mint::route(std::string_view method, std::string_view path, std::string_view body)
{
    constexpr std::string_view kKeys = "/v1/keys/";
    constexpr std::string_view kMintQuote = "/v1/mint/quote/bolt11";
    constexpr std::string_view kMeltQuote = "/v1/melt/quote/bolt11";
    if (method == "GET") {
        if (path == "/v1/info") return info();
        if (path == "/v1/keys" || path == "/v1/keysets") {
            std::vector<cashu::Keyset> shown;
            for (const MintKeyset& keyset : keysets_)
                if (keyset.facts.active || path == "/v1/keysets") shown.push_back(keyset.facts);
            return path == "/v1/keys" ? cashu::encode_keys(shown) : cashu::encode_keysets(shown);
        }
        if (path.starts_with(kKeys)) return keys_of(path.substr(kKeys.size()));
        if (path.starts_with(kMintQuote) && path.size() > kMintQuote.size())
            return mint_quote(path.substr(kMintQuote.size() + 1));
        if (path.starts_with(kMeltQuote) && path.size() > kMeltQuote.size())
            return melt_quote(path.substr(kMeltQuote.size() + 1));
    }
    if (method == "POST") {
        if (path == "/v1/swap") return swap(body);
        if (path == "/v1/checkstate") return check_state(body);
        if (path == "/v1/restore") return restore(body);
        if (path == kMintQuote) return new_mint_quote(body);
        if (path == "/v1/mint/bolt11") return mint(body);
        if (path == kMeltQuote) return new_melt_quote(body);
        if (path == "/v1/melt/bolt11") return melt(body);
    }
    return Refusal{404, "Not Found"};
}

std::string Mint::info() const
{
    const nlohmann::json method{
        {"method", "bolt11"}, {"unit", "sat"}, {"min_amount", 1}, {"max_amount", kMaxQuote.count()}};
    nlohmann::json minting = method;
    minting["options"] = {{"description", true}};
    nlohmann::json melting = method;
    melting["options"] = {{"amountless", true}};
    const nlohmann::json supported{{"supported", true}};
    nlohmann::json nuts{
        {"4", {{"methods", {minting}}, {"disabled", settings_.minting == Minting::disabled}}},
        {"5", {{"methods", {melting}}, {"disabled", false}}},
    };
    for (const char* nut : {"7", "8", "9", "10", "11", "12", "14", "20"}) nuts[nut] = supported;
    for (const int nut : settings_.hidden_nuts) nuts.erase(std::to_string(nut));
    if (settings_.caching == Caching::on) {
        nlohmann::json endpoints = nlohmann::json::array();
        for (const std::string_view path : kCachedPaths) endpoints.push_back({{"method", "POST"}, {"path", path}});
        nuts["19"] = {{"ttl", nullptr}, {"cached_endpoints", std::move(endpoints)}};
    }
    return nlohmann::json{
        {"name", "adit-devnet"},
        {"pubkey", cashu::public_point(node_key_).value().hex()},
        {"version", "adit-devnet/" ADIT_VERSION},
        {"description", "A mint in memory, for tests and demonstrations. Its money is worth nothing."},
        {"contact", nlohmann::json::array()},
        {"time", clock_.now().count()},
        {"nuts", std::move(nuts)}}
        .dump();
}

Judged<std::string> Mint::keys_of(std::string_view id) const
{
    const MintKeyset* const keyset = find_keyset(id);
    if (!keyset) return refusal(NutCode::keyset_unknown, "keyset not known");
    return cashu::encode_keys(std::span(&keyset->facts, 1));
}

Judged<std::string> Mint::swap(std::string_view body)
{
    const auto request = cashu::parse_swap(body);
    if (!request) return malformed(request.error().detail);
    if (request->outputs.empty()) return malformed("no outputs");
    const Inputs inputs = TRY(judge_inputs(request->inputs));
    const auto [unit, total] = TRY(judge_outputs(request->outputs, Amounts::stated));
    if (unit != inputs.unit) return refusal(NutCode::units_differ, "inputs and outputs are of different units");
    const auto spendable = cashu::verify_spending_conditions(request->inputs, request->outputs, clock_.now());
    if (!spendable) return refusal(NutCode::not_verified, "spending condition: " + spendable.error().detail);
    const auto net = difference(inputs.total, inputs.fee);
    if (!net || *net != total)
        return refusal(NutCode::not_balanced, "inputs " + std::to_string(inputs.total.count()) + " - fees " +
                                                  std::to_string(inputs.fee.count()) + " vs outputs " +
                                                  std::to_string(total.count()) + " are not balanced");
    const Signatures promises = sign(request->outputs);
    spend(inputs, request->inputs);
    book(MintTransaction::Kind::swap, inputs, request->outputs, promises, {});
    return cashu::encode_signatures(promises);
}

Judged<std::string> Mint::check_state(std::string_view body) const
{
    const auto ys = cashu::parse_check_state(body);
    if (!ys) return malformed(ys.error().detail);
    if (ys->size() > kMaxMintInputs) return refusal(NutCode::too_many_inputs, "too many Ys");
    nlohmann::json states = nlohmann::json::array();
    for (const cashu::Point& y : *ys) {
        const std::string hex = y.hex();
        nlohmann::json state{{"Y", hex}, {"state", "UNSPENT"}, {"witness", nullptr}};
        if (pending_.contains(hex)) state["state"] = "PENDING";
        if (const auto spent = spent_.find(hex); spent != spent_.end()) {
            state["state"] = "SPENT";
            if (spent->second.witness) state["witness"] = *spent->second.witness;
        }
        states.push_back(std::move(state));
    }
    return nlohmann::json{{"states", std::move(states)}}.dump();
}

Judged<std::string> Mint::restore(std::string_view body) const
{
    const auto outputs = cashu::parse_restore(body);
    if (!outputs) return malformed(outputs.error().detail);
    if (outputs->size() > cashu::kMaxOutputs) return refusal(NutCode::too_many_outputs, "too many outputs");
    cashu::Restored restored;
    for (const cashu::BlindedMessage& output : *outputs) {
        const auto known = signatures_.find(output.b.hex());
        if (known == signatures_.end()) continue;
        restored.outputs.push_back(output);
        restored.signatures.push_back(known->second);
    }
    return cashu::encode_restored(restored);
}

Judged<Mint::Inputs> Mint::judge_inputs(std::span<const cashu::Proof> proofs) const
{
    if (proofs.empty()) return malformed("no inputs");
    if (proofs.size() > kMaxMintInputs) return refusal(NutCode::too_many_inputs, "too many inputs");
    Inputs inputs;
    std::vector<std::uint64_t> fees;
    std::unordered_set<std::string_view> secrets;
    for (const cashu::Proof& proof : proofs) {
        if (!secrets.insert(proof.secret).second) return refusal(NutCode::duplicate_inputs, "duplicate inputs");
        if (proof.secret.size() > kMaxSecretLength) return refusal(NutCode::not_verified, "secret too long");
        const MintKeyset* const keyset = find_keyset(proof.keyset);
        if (!keyset) return refusal(NutCode::keyset_unknown, "keyset of an input not known");
        if (keyset->facts.expired(clock_.now())) return refusal(NutCode::keyset_expired, "keyset of an input expired");
        if (!inputs.unit.empty() && inputs.unit != keyset->facts.unit)
            return refusal(NutCode::several_units, "inputs of several units");
        inputs.unit = keyset->facts.unit;
        fees.push_back(keyset->facts.input_fee_ppk);
        const auto total = sum(inputs.total, proof.amount);
        if (!total) return refusal(NutCode::amount_outside_limits, "inputs overflow");
        inputs.total = *total;
        inputs.ys.push_back(cashu::proof_y(proof.secret).hex());
    }
    const auto fee = cashu::input_fee(fees);
    if (!fee) return refusal(NutCode::amount_outside_limits, "fees overflow");
    inputs.fee = *fee;
    for (const std::string& y : inputs.ys) {
        if (spent_.contains(y)) return refusal(NutCode::already_spent, "proofs already spent");
        if (pending_.contains(y)) return refusal(NutCode::inputs_pending, "proofs are pending");
    }
    for (const cashu::Proof& proof : proofs) {
        const cashu::Scalar* const key = find_keyset(proof.keyset)->secret_for(proof.amount);
        if (!key || !cashu::is_signed_with(*key, proof.secret, proof.c))
            return refusal(NutCode::not_verified, "proof could not be verified");
    }
    return inputs;
}

Judged<std::pair<std::string, Sat>> Mint::judge_outputs(std::span<const cashu::BlindedMessage> outputs,
                                                        Amounts amounts) const
{
    if (outputs.size() > cashu::kMaxOutputs) return refusal(NutCode::too_many_outputs, "too many outputs");
    std::string unit;
    Sat total;
    std::unordered_set<std::string> seen;
    for (const cashu::BlindedMessage& output : outputs) {
        const std::string b = output.b.hex();
        if (!seen.insert(b).second) return refusal(NutCode::duplicate_outputs, "duplicate outputs");
        const MintKeyset* const keyset = find_keyset(output.keyset);
        if (!keyset) return refusal(NutCode::keyset_unknown, "keyset of an output not known");
        if (!keyset->facts.active) return refusal(NutCode::keyset_inactive, "keyset of an output is inactive");
        if (keyset->facts.expired(clock_.now())) return refusal(NutCode::keyset_expired, "keyset of an output expired");
        if (!unit.empty() && unit != keyset->facts.unit)
            return refusal(NutCode::several_units, "outputs of several units");
        unit = keyset->facts.unit;
        if (signatures_.contains(b)) return refusal(NutCode::already_signed, "outputs already signed");
        if (pending_outputs_.contains(b)) return refusal(NutCode::outputs_pending, "outputs are pending");
        if (amounts == Amounts::blank) continue;
        if (!keyset->secret_for(output.amount))
            return refusal(NutCode::amount_outside_limits, "the keyset has no key for the amount of an output");
        const auto larger = sum(total, output.amount);
        if (!larger) return refusal(NutCode::amount_outside_limits, "outputs overflow");
        total = *larger;
    }
    return std::pair(unit, total);
}

Mint::Signatures Mint::sign(std::span<const cashu::BlindedMessage> outputs)
{
    Signatures promises;
    for (const cashu::BlindedMessage& output : outputs) {
        const cashu::Scalar* const key = find_keyset(output.keyset)->secret_for(output.amount);
        promises.push_back(cashu::sign_blinded(*key, output).value());
        signatures_.emplace(output.b.hex(), promises.back());
    }
    return promises;
}

void Mint::spend(const Inputs& inputs, std::span<const cashu::Proof> proofs)
{
    for (std::size_t i = 0; i < proofs.size(); ++i) {
        spent_.emplace(inputs.ys[i], Spent{proofs[i].witness});
        pending_.erase(inputs.ys[i]);
    }
}

void Mint::book(MintTransaction::Kind kind, const Inputs& inputs, std::span<const cashu::BlindedMessage> outputs,
                const Signatures& promises, Lightning lightning)
{
    std::uint64_t out = 0;
    for (const cashu::BlindSignature& promise : promises) out += promise.amount.count();
    const std::uint64_t in = inputs.total.count();
    const std::uint64_t fee = in + lightning.received.count() - out - lightning.sent.count();
    MintTransaction transaction{kind, clock_.now(), inputs.ys, {}, inputs.total, Sat(out), Sat(fee)};
    for (std::size_t i = 0; i < promises.size(); ++i) transaction.outputs.push_back(outputs[i].b.hex());
    transactions_.push_back(std::move(transaction));
    if (inputs.unit != "sat") return;
    accounting_.issued = Sat(accounting_.issued.count() + out);
    accounting_.spent = Sat(accounting_.spent.count() + in);
    accounting_.minted = Sat(accounting_.minted.count() + lightning.received.count());
    accounting_.melted = Sat(accounting_.melted.count() + lightning.sent.count());
    accounting_.fees = Sat(accounting_.fees.count() + fee);
}

const MintKeyset* Mint::find_keyset(std::string_view id) const
{
    const auto found =
        std::find_if(keysets_.begin(), keysets_.end(), [&](const MintKeyset& keyset) { return keyset.facts.id == id; });
    return found == keysets_.end() ? nullptr : &*found;
}

cashu::KeysetId Mint::insert_keyset(const KeysetPlan& plan)
{
    keysets_.push_back(generate_keyset(plan, rng_));
    return keysets_.back().facts.id;
}

cashu::KeysetId Mint::add_keyset(const KeysetPlan& plan)
{
    const std::lock_guard lock(mutex_);
    return insert_keyset(plan);
}

cashu::KeysetId Mint::rotate(const KeysetPlan& plan)
{
    const std::lock_guard lock(mutex_);
    for (MintKeyset& keyset : keysets_)
        if (keyset.facts.unit == plan.unit) keyset.facts.active = false;
    return insert_keyset(plan);
}

bool Mint::set_active(const cashu::KeysetId& id, bool active)
{
    const std::lock_guard lock(mutex_);
    for (MintKeyset& keyset : keysets_) {
        if (keyset.facts.id != id) continue;
        keyset.facts.active = active;
        return true;
    }
    return false;
}

std::vector<cashu::Keyset> Mint::keysets() const
{
    const std::lock_guard lock(mutex_);
    std::vector<cashu::Keyset> all;
    for (const MintKeyset& keyset : keysets_) all.push_back(keyset.facts);
    return all;
}

MintSettings Mint::settings() const
{
    const std::lock_guard lock(mutex_);
    return settings_;
}

void Mint::set_settings(const MintSettings& settings)
{
    const std::lock_guard lock(mutex_);
    settings_ = settings;
}

void Mint::set_pending(std::span<const std::string> ys, bool pending)
{
    const std::lock_guard lock(mutex_);
    for (const std::string& y : ys) {
        if (pending)
            pending_.insert(y);
        else
            pending_.erase(y);
    }
}

Accounting Mint::accounting() const
{
    const std::lock_guard lock(mutex_);
    return accounting_;
}

std::vector<MintTransaction> Mint::transactions() const
{
    const std::lock_guard lock(mutex_);
    return transactions_;
}

cashu::ProofState Mint::state_of(const std::string& y_hex) const
{
    const std::lock_guard lock(mutex_);
    if (spent_.contains(y_hex)) return cashu::ProofState::spent;
    return pending_.contains(y_hex) ? cashu::ProofState::pending : cashu::ProofState::unspent;
}

bool Mint::has_signed(const std::string& b_hex) const
{
    const std::lock_guard lock(mutex_);
    return signatures_.contains(b_hex);
}

std::uint64_t Mint::replayed() const
{
    const std::lock_guard lock(mutex_);
    return replayed_;
}

} // namespace adit::devnet
