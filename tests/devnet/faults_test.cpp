#include "devnet/mint_world.h"
#include "payments/cashu/dleq.h"

namespace adit::devnet {
namespace {

using nlohmann::json;

class FaultsTest : public MintWorld {
protected:
    void add(const json& object) { faults_.add(parse_fault(object).value()); }
    Outcome ask(const std::string& path, const std::string& body)
    {
        return faulty_.serve(faulty_.strike(path), body.empty() ? "GET" : "POST", path, body);
    }
    Outcome ask_swap(const Proofs& proofs)
    {
        return ask("/v1/swap", cashu::encode_swap(proofs, wallet_.prepare(wallet_.keyset(), {4}).outputs));
    }
};

TEST_F(FaultsTest, AFaultStrikesAsOftenAsItWasTold)
{
    add({{"endpoint", "mint.info"}, {"act", "drop"}, {"skip", 1}, {"times", 2}});
    const Delivery expected[]{Delivery::whole, Delivery::dropped, Delivery::dropped, Delivery::whole};
    for (const Delivery delivery : expected) EXPECT_EQ(ask("/v1/info", "").delivery, delivery);
    EXPECT_EQ(faults_.list()[0]["hits"], 2);
}

TEST_F(FaultsTest, PatternsReachAllEndpointsOfTheirPrefixAndNoOthers)
{
    add({{"endpoint", "mint.key*"}, {"act", "hang"}});
    EXPECT_EQ(ask("/v1/keys", "").delivery, Delivery::never);
    EXPECT_EQ(ask("/v1/keysets", "").delivery, Delivery::never);
    EXPECT_EQ(ask("/v1/info", "").delivery, Delivery::whole);
    faults_.clear();
    EXPECT_EQ(ask("/v1/keys", "").delivery, Delivery::whole);
}

TEST_F(FaultsTest, AFaultCanBeRemovedByItsNumber)
{
    const auto number = faults_.add(parse_fault({{"endpoint", "*"}, {"act", "drop"}}).value());
    faults_.remove(number + 1);
    EXPECT_EQ(ask("/v1/info", "").delivery, Delivery::dropped);
    faults_.remove(number);
    EXPECT_EQ(ask("/v1/info", "").delivery, Delivery::whole);
}

TEST_F(FaultsTest, BeforeMeansNotTakenAndAfterMeansTaken)
{
    for (const char* act : {"drop", "cut", "hang", "status", "not_json", "reject"}) {
        SCOPED_TRACE(act);
        const Proofs proofs = wallet_.mint({4});
        add({{"endpoint", "mint.swap"}, {"act", act}, {"times", 1}, {"moment", "before"}});
        ask_swap(proofs);
        EXPECT_EQ(state_of(proofs[0]), "UNSPENT");
        add({{"endpoint", "mint.swap"}, {"act", act}, {"times", 1}, {"moment", "after"}});
        ask_swap(proofs);
        EXPECT_EQ(state_of(proofs[0]), "SPENT");
    }
}

TEST_F(FaultsTest, StatusRejectAndNonsenseAreAnsweredAsTold)
{
    add({{"endpoint", "mint.swap"}, {"act", "status"}, {"status", 429}, {"body", "slow down"}, {"times", 1}});
    add({{"endpoint", "mint.swap"}, {"act", "reject"}, {"code", 11003}, {"message", "signed"}, {"times", 1}});
    add({{"endpoint", "mint.swap"}, {"act", "not_json"}, {"times", 1}});
    const Proofs proofs = wallet_.mint({4});
    Outcome outcome = ask_swap(proofs);
    EXPECT_EQ(outcome.answer.status, 429);
    EXPECT_EQ(outcome.answer.body, "slow down");
    outcome = ask_swap(proofs);
    EXPECT_EQ(cashu::parse_refusal(outcome.answer.status, outcome.answer.body).value().code, 11003);
    outcome = ask_swap(proofs);
    EXPECT_EQ(outcome.answer.status, 200);
    EXPECT_FALSE(json::accept(outcome.answer.body));
}

TEST_F(FaultsTest, PendingIsToldOfUnspentProofsOnly)
{
    const Proofs proofs = wallet_.mint({4, 4});
    ask_swap({proofs[0]});
    add({{"endpoint", "mint.checkstate"}, {"act", "pending"}, {"times", 1}});
    const std::vector ys{cashu::proof_y(proofs[0].secret), cashu::proof_y(proofs[1].secret)};
    const json states = json::parse(ask("/v1/checkstate", cashu::encode_check_state(ys)).answer.body)["states"];
    EXPECT_EQ(states[0]["state"], "SPENT");
    EXPECT_EQ(states[1]["state"], "PENDING");
    EXPECT_EQ(state_of(proofs[1]), "UNSPENT");
}

TEST_F(FaultsTest, LyingPromisesDoNotVerify)
{
    add({{"endpoint", "mint.swap"}, {"act", "lie_bad_signature"}, {"times", 1}});
    const cashu::Keyset keyset = wallet_.keyset();
    const Prepared prepared = wallet_.prepare(keyset, {4});
    const Outcome outcome = ask("/v1/swap", cashu::encode_swap(wallet_.mint({4}), prepared.outputs));
    const auto promise = cashu::parse_signatures(outcome.answer.body).value().at(0);
    EXPECT_FALSE(
        cashu::verify_promise_dleq(keyset.keys.at(Sat(4)), prepared.outputs[0].b, promise.c, promise.dleq.value()));
}

TEST_F(FaultsTest, EveryPathHasItsEndpoint)
{
    const std::pair<const char*, const char*> names[]{
        {"/v1/info", "mint.info"},        {"/v1/keys", "mint.keys"},
        {"/v1/keys/00ab", "mint.keys"},   {"/v1/keysets", "mint.keysets"},
        {"/v1/swap", "mint.swap"},        {"/v1/checkstate", "mint.checkstate"},
        {"/v1/restore", "mint.restore"},  {"/v1/mint/quote/bolt11/x", "mint.quote"},
        {"/v1/mint/bolt11", "mint.mint"}, {"/v1/melt/quote/bolt11", "mint.melt_quote"},
        {"/v1/melt/bolt11", "mint.melt"}, {"/elsewhere", "mint.unknown"},
    };
    for (const auto& [path, endpoint] : names) EXPECT_EQ(mint_endpoint(path), endpoint);
}

TEST_F(FaultsTest, AMisspelledFaultIsRefused)
{
    const json good{{"endpoint", "mint.swap"}, {"act", "drop"}};
    EXPECT_TRUE(parse_fault(good));
    const std::pair<const char*, json> bad[]{{"endpoint", ""},     {"endpoint", 7},    {"act", "explode"},
                                             {"moment", "during"}, {"latency_ms", -1}, {"latency_ms", 1e12},
                                             {"status", 99},       {"status", 600},    {"code", "11001"},
                                             {"times", "once"},    {"body", 7},        {"tims", 1}};
    for (const auto& [key, value] : bad) {
        json changed = good;
        changed[key] = value;
        EXPECT_FALSE(parse_fault(changed)) << changed.dump();
    }
    EXPECT_FALSE(parse_fault(json::array()));
    EXPECT_FALSE(parse_fault(json::object()));
}

} // namespace
} // namespace adit::devnet
