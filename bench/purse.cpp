#include "bench/purse.h"

#include "base/clock.h"
#include "bench/load.h"
#include "bench/report.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/p2pk.h"
#include "payments/cashu/token.h"
#include "protocol/constants.h"
#include "protocol/purchase_auth.h"
#include "protocol/purchase_body.h"

#include <algorithm>

namespace adit::bench {

namespace cashu = payments::cashu;

namespace {

constexpr std::size_t kTokensAtOnce = 100;

template<typename Yes>
Yes yes(cashu::Answer<Yes> answer)
{
    if (auto* found = std::get_if<Yes>(&answer)) return std::move(*found);
    give_up("the mint does not do what a mint does");
}

cashu::Keyset active_keyset(cashu::MintClient& client)
{
    for (const cashu::Keyset& each : yes(client.keysets())) {
        if (!each.active || each.unit != "sat") continue;
        cashu::Keyset keyset = each;
        keyset.keys = yes(client.keys(each.id)).keys;
        return keyset;
    }
    give_up("the mint has no active keyset");
}

} // namespace

Purse::Purse(const Market& market) : market_(market), client_(http_, market.mint_url), keyset_(active_keyset(client_))
{
}

std::vector<Purse::Proofs> Purse::tokens(std::size_t count)
{
    std::vector<Proofs> all;
    while (all.size() < count) mint(std::min(kTokensAtOnce, count - all.size()), all);
    return all;
}

void Purse::mint(std::size_t count, std::vector<Proofs>& tokens)
{
    cashu::P2pkLock lock;
    lock.keys = {cashu::even_point(market_.sales_key.public_key())};
    const std::vector<Sat> amounts = must(cashu::split(Sat(kShopPrice), keyset_));
    std::vector<std::string> secrets;
    std::vector<cashu::Scalar> factors;
    std::vector<cashu::BlindedMessage> outputs;
    for (std::size_t i = 0; i < count; ++i)
        for (const Sat amount : amounts) {
            secrets.push_back(cashu::make_p2pk_secret(lock, system_rng()));
            factors.push_back(cashu::random_scalar(system_rng()));
            outputs.push_back({keyset_.id, amount, must(cashu::blind(secrets.back(), factors.back()))});
        }
    const auto quote = yes(client_.mint_quote(Sat(count * kShopPrice), "sat"));
    const auto signatures = yes(client_.mint(cashu::encode_mint(quote.id, outputs)));
    for (std::size_t i = 0; i < signatures.size(); ++i) {
        if (i % amounts.size() == 0) tokens.emplace_back();
        auto dleq = signatures[i].dleq;
        if (dleq) {
            ByteArray<32> r{};
            std::ranges::copy(factors[i].expose(), r.begin());
            dleq->r = r;
        }
        const Sat amount = outputs[i].amount;
        tokens.back().push_back({keyset_.id, amount, secrets[i],
                                 must(cashu::unblind(signatures[i].c, factors[i], keyset_.keys.at(amount))),
                                 std::nullopt, dleq});
    }
}

std::string Purse::purchase(Proofs proofs) const
{
    Rng& rng = system_rng();
    const auto key = protocol::SecretKey::generate(rng);
    const auto draft = protocol::purchase_auth_draft(
        {system_clock().now(),
         std::string(kShopHost),
         {protocol::kKindListing, market_.operator_key.public_key(), std::string(kShopListing)},
         {std::to_string(kShopPrice), "sat", "hour"},
         std::nullopt});
    const auto client = protocol::wireguard_public_key(protocol::generate_wireguard_secret(rng));
    return post("/purchase", protocol::encode_purchase_body({"wireguard", client, std::nullopt}),
                "Authorization: " + protocol::encode_auth_header(protocol::sign_event(draft, key, rng)) +
                    "\r\nX-Cashu: " + cashu::encode_token({market_.mint_url, "sat", std::nullopt, std::move(proofs)}) +
                    "\r\n");
}

std::string Purse::swap(Proofs proofs) const
{
    std::vector<cashu::BlindedMessage> outputs;
    for (const cashu::Proof& proof : proofs)
        outputs.push_back(
            {keyset_.id, proof.amount,
             must(cashu::blind(cashu::make_plain_secret(system_rng()), cashu::random_scalar(system_rng())))});
    must(cashu::sign_inputs(proofs, outputs, market_.sales_key, system_rng()));
    return post("/v1/swap", cashu::encode_swap(proofs, outputs));
}

std::vector<std::string> Purse::purchases(std::size_t count)
{
    std::vector<std::string> requests;
    for (Proofs& proofs : tokens(count)) requests.push_back(purchase(std::move(proofs)));
    return requests;
}

std::vector<std::string> Purse::swaps(std::size_t count)
{
    std::vector<std::string> requests;
    for (Proofs& proofs : tokens(count)) requests.push_back(swap(std::move(proofs)));
    return requests;
}

} // namespace adit::bench
