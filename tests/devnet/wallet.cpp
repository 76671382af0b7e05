#include "devnet/wallet.h"

#include "payments/cashu/dleq.h"
#include "payments/cashu/p2pk.h"

#include <gtest/gtest.h>

namespace adit::devnet {

cashu::Keyset Wallet::keyset(const std::string& unit)
{
    const auto shown = cashu::parse_keysets(get("/v1/keysets").body).value();
    for (const cashu::Keyset& facts : shown) {
        if (!facts.active || facts.unit != unit) continue;
        cashu::Keyset whole = cashu::parse_keys(get("/v1/keys/" + facts.id).body).value().at(0);
        whole.input_fee_ppk = facts.input_fee_ppk;
        whole.final_expiry = facts.final_expiry;
        whole.active = true;
        EXPECT_TRUE(cashu::id_matches(whole));
        return whole;
    }
    ADD_FAILURE() << "no active keyset";
    return {};
}

Prepared Wallet::prepare(const cashu::Keyset& keyset, const std::vector<std::uint64_t>& amounts,
                         const std::function<std::string()>& make_secret)
{
    Prepared prepared;
    for (const std::uint64_t amount : amounts) {
        prepared.secrets.push_back(make_secret ? make_secret() : cashu::make_plain_secret(rng_));
        prepared.factors.push_back(cashu::random_scalar(rng_));
        prepared.outputs.push_back(
            {keyset.id, Sat(amount), cashu::blind(prepared.secrets.back(), prepared.factors.back()).value()});
    }
    return prepared;
}

std::vector<cashu::Proof> Wallet::unblind(const cashu::Keyset& keyset, const Prepared& prepared,
                                          const std::vector<cashu::BlindSignature>& signatures)
{
    std::vector<cashu::Proof> proofs;
    for (std::size_t i = 0; i < signatures.size(); ++i) {
        const cashu::Point& key = keyset.keys.at(signatures[i].amount);
        EXPECT_TRUE(signatures[i].dleq);
        EXPECT_TRUE(cashu::verify_promise_dleq(key, prepared.outputs[i].b, signatures[i].c, *signatures[i].dleq));
        proofs.push_back({keyset.id,
                          signatures[i].amount,
                          prepared.secrets[i],
                          cashu::unblind(signatures[i].c, prepared.factors[i], key).value(),
                          {},
                          {}});
    }
    return proofs;
}

std::string Wallet::mint_quote(std::uint64_t amount)
{
    const Reply reply = post("/v1/mint/quote/bolt11", cashu::encode_mint_quote(Sat(amount), "sat"));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return cashu::parse_mint_quote(reply.body).value().id;
}

std::vector<cashu::Proof> Wallet::mint(const std::vector<std::uint64_t>& amounts,
                                       const std::function<std::string()>& make_secret)
{
    std::uint64_t total = 0;
    for (const std::uint64_t amount : amounts) total += amount;
    const cashu::Keyset keys = keyset();
    const Prepared prepared = prepare(keys, amounts, make_secret);
    const Reply reply = post("/v1/mint/bolt11", cashu::encode_mint(mint_quote(total), prepared.outputs));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return unblind(keys, prepared, cashu::parse_signatures(reply.body).value());
}

} // namespace adit::devnet
