#include "payments/cashu/mint_client.h"

#include "base/crash_point.h"
#include "payments/percent.h"

#include <algorithm>

namespace adit::payments::cashu {
namespace {

Unknown unknown(std::string what) { return Unknown{Error{Reason::mint_unreachable, std::move(what)}}; }

/// The parsed form of a yes; an answer that does not parse says nothing about what the mint did.
template<typename T>
Answer<T> read(Answer<std::string> answer, Result<T> (*parse)(std::string_view))
{
    if (auto* refusal = std::get_if<Refusal>(&answer)) return std::move(*refusal);
    if (auto* silence = std::get_if<Unknown>(&answer)) return std::move(*silence);
    auto parsed = parse(std::get<std::string>(answer));
    if (!parsed) return Unknown{std::move(parsed).error()};
    return std::move(*parsed);
}

} // namespace

MintClient::MintClient(HttpClient& http, std::string url, Milliseconds timeout)
    : http_(http), url_(std::move(url)), timeout_(timeout)
{
}

Answer<std::string> MintClient::call(std::string_view name, std::string_view method, const std::string& path,
                                     std::string_view body)
{
    const HttpCall request{std::string(method), url_ + path, std::string(body), {}, timeout_};
    crash_point("mint_before_" + std::string(name));
    auto reply = http_.call(request);
    crash_point("mint_after_" + std::string(name));
    if (!reply) return Unknown{std::move(reply).error()};
    if (reply->status == 200) return std::move(reply->body);
    if (auto refusal = parse_refusal(reply->status, reply->body)) return std::move(*refusal);
    return unknown("the mint answered " + std::string(name) + " with status " + std::to_string(reply->status));
}

Answer<MintInfo> MintClient::info() { return read(call("info", "GET", "/v1/info", {}), parse_info); }

Answer<std::vector<Keyset>> MintClient::keysets()
{
    return read(call("keysets", "GET", "/v1/keysets", {}), parse_keysets);
}

Answer<Keyset> MintClient::keys(const KeysetId& id)
{
    if (!is_complete_id(id)) return unknown("keys asked for an id that is none");
    auto answer = read(call("keys", "GET", "/v1/keys/" + id, {}), parse_keys);
    if (auto* refusal = std::get_if<Refusal>(&answer)) return std::move(*refusal);
    if (auto* silence = std::get_if<Unknown>(&answer)) return std::move(*silence);
    for (Keyset& keyset : std::get<std::vector<Keyset>>(answer))
        if (keyset.id == id) return std::move(keyset);
    return unknown("the mint answered with the keys of another keyset");
}

Answer<std::vector<BlindSignature>> MintClient::swap(std::string_view body)
{
    return read(call("swap", "POST", "/v1/swap", body), parse_signatures);
}

Answer<Restored> MintClient::restore(std::span<const BlindedMessage> outputs)
{
    return read(call("restore", "POST", "/v1/restore", encode_restore(outputs)), parse_restored);
}

Answer<std::vector<ProofState>> MintClient::check_state(std::span<const Point> ys)
{
    auto answer = read(call("checkstate", "POST", "/v1/checkstate", encode_check_state(ys)), parse_proof_states);
    if (auto* refusal = std::get_if<Refusal>(&answer)) return std::move(*refusal);
    if (auto* silence = std::get_if<Unknown>(&answer)) return std::move(*silence);
    const auto& given = std::get<std::vector<ProofStatus>>(answer);
    std::vector<ProofState> states;
    for (const Point& y : ys) {
        const auto found = std::find_if(given.begin(), given.end(), [&](const ProofStatus& one) { return one.y == y; });
        if (found == given.end()) return unknown("checkstate: a proof is missing in the answer");
        states.push_back(found->state);
    }
    return states;
}

Answer<MintQuote> MintClient::mint_quote(Sat amount, std::string_view unit, const std::optional<Point>& pubkey,
                                         std::string_view description)
{
    return read(
        call("mint_quote", "POST", "/v1/mint/quote/bolt11", encode_mint_quote(amount, unit, pubkey, description)),
        parse_mint_quote);
}

Answer<MintQuote> MintClient::mint_quote_state(std::string_view quote)
{
    return read(call("mint_quote_state", "GET", "/v1/mint/quote/bolt11/" + percent_encoded(quote), {}),
                parse_mint_quote);
}

Answer<std::vector<BlindSignature>> MintClient::mint(std::string_view body)
{
    return read(call("mint", "POST", "/v1/mint/bolt11", body), parse_signatures);
}

Answer<MeltQuote> MintClient::melt_quote(std::string_view invoice, std::string_view unit)
{
    return read(call("melt_quote", "POST", "/v1/melt/quote/bolt11", encode_melt_quote(invoice, unit)),
                parse_melt_quote);
}

Answer<MeltQuote> MintClient::melt_quote_state(std::string_view quote)
{
    return read(call("melt_quote_state", "GET", "/v1/melt/quote/bolt11/" + percent_encoded(quote), {}),
                parse_melt_quote);
}

Answer<MeltQuote> MintClient::melt(std::string_view body)
{
    return read(call("melt", "POST", "/v1/melt/bolt11", body), parse_melt_quote);
}

} // namespace adit::payments::cashu
