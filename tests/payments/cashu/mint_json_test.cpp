#include "payments/cashu/mint_json.h"

#include "cashu_testing.h"
#include "payments/cashu/dleq.h"
#include "payments/cashu/mint_url.h"

namespace adit::payments::cashu {
namespace {

std::vector<BlindedMessage> outputs()
{
    const Keyset keyset = make_keyset();
    return {{keyset.id, Sat(1), hash_to_curve(as_bytes("1"))}, {keyset.id, Sat(2), hash_to_curve(as_bytes("2"))}};
}

TEST(MintJson, ASwapReadsBackWithoutItsDleq)
{
    Proof proof = make_proof(make_keyset(), 4, R"(["P2PK",{"nonce":"ü","data":"x"}])");
    proof.dleq = Dleq{{1}, {2}, ByteArray<32>{3}};
    proof.witness = R"({"signatures":["00"]})";
    const std::string body = encode_swap(std::span(&proof, 1), outputs());
    EXPECT_EQ(body.find("dleq"), std::string::npos);
    const auto back = parse_swap(body);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->inputs.front().secret, proof.secret);
    EXPECT_EQ(back->inputs.front().witness, proof.witness);
    EXPECT_EQ(back->inputs.front().c, proof.c);
    ASSERT_EQ(back->outputs.size(), 2U);
    EXPECT_EQ(back->outputs[1].b, outputs()[1].b);
    EXPECT_EQ(encode_swap(back->inputs, back->outputs), body); // the same bytes again
}

TEST(MintJson, SignaturesReadBackInOrder)
{
    std::vector<BlindSignature> signatures;
    for (const BlindedMessage& output : outputs())
        signatures.push_back(sign_blinded(mint_scalar(output.amount), output).value());
    const auto back = parse_signatures(encode_signatures(signatures));
    ASSERT_TRUE(back);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ((*back)[i].c, signatures[i].c);
        EXPECT_EQ((*back)[i].dleq->s, signatures[i].dleq->s);
        EXPECT_TRUE(matches(outputs()[i], (*back)[i]));
        EXPECT_FALSE(matches(outputs()[1 - i], (*back)[i]));
    }
}

TEST(MintJson, WhatIsRestoredIsFoundByItsBlindedMessage)
{
    Restored restored;
    restored.outputs = {outputs()[1]};
    restored.signatures = {sign_blinded(mint_scalar(Sat(2)), outputs()[1]).value()};
    const std::string text = encode_restored(restored);
    const auto back = parse_restored(text);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->find(outputs()[0].b), nullptr);
    ASSERT_NE(back->find(outputs()[1].b), nullptr);
    EXPECT_EQ(back->find(outputs()[1].b)->c, restored.signatures[0].c);

    json older = json::parse(text);
    older["promises"] = older["signatures"];
    older.erase("signatures");
    EXPECT_TRUE(parse_restored(older.dump()).value().find(outputs()[1].b));
    older["signatures"] = json::array();
    EXPECT_TRUE(parse_restored(older.dump()).value().find(outputs()[1].b));
    older["promises"].push_back(older["promises"][0]);
    EXPECT_FALSE(parse_restored(older.dump()));
}

TEST(MintJson, StatesAreReadByTheirWords)
{
    const Point y = proof_y("x");
    const std::vector<ProofStatus> states{{y, ProofState::unspent}, {y, ProofState::pending}, {y, ProofState::spent}};
    const auto back = parse_proof_states(encode_proof_states(states));
    ASSERT_TRUE(back);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ((*back)[i].state, states[i].state);
    EXPECT_FALSE(parse_proof_states(R"({"states":[{"Y":")" + y.hex() + R"(","state":"spent"}]})"));
    EXPECT_FALSE(parse_proof_states(R"({"states":[{"Y":"02","state":"SPENT"}]})"));
    EXPECT_EQ(parse_check_state(encode_check_state(std::vector{y})).value(), std::vector{y});
}

TEST(MintJson, QuotesOfOldAndNewMintsAreRead)
{
    const auto state = [](const char* fields) {
        return parse_mint_quote(std::string(R"({"quote":"q","request":"lnbc1","amount":5,"unit":"sat","expiry":null)") +
                                fields + "}");
    };
    EXPECT_EQ(state(R"(,"state":"UNPAID")").value().state, QuoteState::unpaid);
    EXPECT_EQ(state(R"(,"state":"PAID")").value().state, QuoteState::paid);
    EXPECT_EQ(state(R"(,"state":"ISSUED")").value().state, QuoteState::issued);
    EXPECT_EQ(state(R"(,"paid":true)").value().state, QuoteState::paid);
    EXPECT_EQ(state(R"(,"amount_paid":0,"amount_issued":0)").value().state, QuoteState::unpaid);
    EXPECT_EQ(state(R"(,"amount_paid":5,"amount_issued":0)").value().state, QuoteState::paid);
    EXPECT_EQ(state(R"(,"amount_paid":5,"amount_issued":5)").value().state, QuoteState::issued);
    EXPECT_FALSE(state(R"(,"state":"OTHER")"));
    EXPECT_FALSE(state(""));
    EXPECT_FALSE(parse_mint_quote(R"({"quote":"","request":"","state":"PAID"})"));
    EXPECT_EQ(state(R"(,"state":"PAID")").value().amount, Sat(5));
}

TEST(MintJson, WhatAMintSupportsIsReadFromEveryShapeOfItsSettings)
{
    const auto info = parse_info(R"({"name":"m","version":"X/1","nuts":{
        "4":{"methods":[],"disabled":false},"5":{"methods":[],"disabled":true},"7":{"supported":true},
        "9":{"supported":false},"15":[{"method":"bolt11"}],"16":[],"17":{"supported":[{"method":"bolt11"}]},
        "19":{"ttl":null,"cached_endpoints":[]},"x":{"supported":true},"20":7,"99":{"a":{"b":{"c":[[[[1]]]]}}}}})");
    ASSERT_TRUE(info);
    EXPECT_EQ(info->nuts, (std::set<int>{4, 7, 15, 17, 19, 99}));
    EXPECT_EQ(info->version, "X/1");
    EXPECT_FALSE(parse_info("{}"));
    EXPECT_FALSE(parse_info(R"({"nuts":[]})"));
}

TEST(MintJson, OnlyAWellFormedErrorIsARefusal)
{
    const std::string good = R"({"detail":"Token already spent.","code":11001})";
    ASSERT_TRUE(parse_refusal(400, good));
    EXPECT_EQ(parse_refusal(400, good)->code, 11001);
    EXPECT_EQ(parse_refusal(400, good)->detail, "Token already spent.");
    EXPECT_TRUE(parse_refusal(404, good));
    EXPECT_TRUE(parse_refusal(400, R"({"error":"old","code":0,"detail":null})"));
    EXPECT_EQ(parse_refusal(400, encode_refusal({11001, "spent"}))->code, 11001);
    for (const int status : {0, 100, 200, 301, 408, 425, 429, 500, 502, 503})
        EXPECT_FALSE(parse_refusal(status, good)) << status;
    for (const char* body :
         {"", "{}", "11001", "[]", R"({"code":11001})", R"({"detail":"x"})", R"({"code":"11001","detail":"x"})",
          R"({"code":11001.5,"detail":"x"})", R"({"code":11001,"detail":["x"]})", R"({"code":null,"detail":"x"})",
          R"({"code":18446744073709551615,"detail":"x"})", R"({"detail":"Token already spent.","code":11001)",
          "<html>"})
        EXPECT_FALSE(parse_refusal(400, body)) << body;
    EXPECT_LE(parse_refusal(400, R"({"code":1,"detail":")" + std::string(10'000, 'x') + "\"}")->detail.size(), 200U);
}

TEST(MintJson, HostileAnswersAreErrorsOfTheirKind)
{
    const auto unreachable = [](const auto& result) {
        if (!result) {
            EXPECT_EQ(result.error().reason, Reason::mint_unreachable);
        }
    };
    const auto all = [&](std::string_view text) {
        unreachable(parse_signatures(text));
        unreachable(parse_restored(text));
        unreachable(parse_proof_states(text));
        unreachable(parse_mint_quote(text));
        unreachable(parse_info(text));
        (void)parse_refusal(400, text);
        (void)parse_swap(text);
        (void)parse_restore(text);
        (void)parse_check_state(text);
        (void)parse_mint(text);
        (void)parse_proofs(text);
    };
    Restored restored{{outputs()[0]}, {sign_blinded(mint_scalar(Sat(1)), outputs()[0]).value()}};
    maul(encode_restored(restored), all);
    const std::vector<ProofStatus> states{{proof_y("x"), ProofState::spent}};
    maul(encode_proof_states(states), all);
    all(std::string(500'000, '['));
    all(std::string(R"({"signatures":)") + std::string(500'000, '['));
    all("\xff");
    for (const char* text : {"", "null", "{}", "[]", "[null]", "1", R"({"signatures":{}})", R"({"signatures":[[]]})",
                             R"({"outputs":[],"signatures":7})"}) {
        EXPECT_FALSE(parse_signatures(text)) << text;
        EXPECT_FALSE(parse_restored(text)) << text;
        EXPECT_FALSE(parse_proof_states(text)) << text;
        all(text);
    }
}

TEST(MintJson, ProofsKeepTheirDleqInTheStore)
{
    Proof proof = make_proof(make_keyset(), 4, "secret");
    proof.dleq = Dleq{{1}, {2}, ByteArray<32>{3}};
    const auto back = parse_proofs(encode_proofs(std::span(&proof, 1)));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->front().dleq->r, proof.dleq->r);
    EXPECT_TRUE(parse_proofs("[]").value().empty());
    EXPECT_FALSE(parse_proofs("{}"));
}

TEST(MintJson, MintAndQuoteRequestsReadBack)
{
    const auto back = parse_mint(encode_mint("q", outputs(), ByteArray<64>{9}));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->quote, "q");
    EXPECT_EQ(back->outputs.size(), 2U);
    EXPECT_EQ(back->signature, ByteArray<64>{9});
    EXPECT_FALSE(parse_mint(encode_mint("q", outputs()))->signature);
    const json quote = json::parse(encode_mint_quote(Sat(~std::uint64_t{0}), "sat", proof_y("x"), "d"));
    EXPECT_EQ(quote["amount"].get<std::uint64_t>(), ~std::uint64_t{0});
    EXPECT_EQ(str(quote["pubkey"]), proof_y("x").hex());
}

// ---- mint_url.h

TEST(MintJson, AMeltReadsBackWithItsBlanks)
{
    const Proof proof = make_proof(make_keyset(), 4, "secret");
    const std::string body = encode_melt("q", std::span(&proof, 1), outputs());
    const auto back = parse_melt(body);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->quote, "q");
    EXPECT_EQ(back->inputs.front().secret, "secret");
    EXPECT_EQ(back->blanks.size(), 2U);
    EXPECT_EQ(encode_melt(back->quote, back->inputs, back->blanks), body); // the same bytes again
    EXPECT_EQ(encode_melt("q", std::span(&proof, 1), {}).find("outputs"), std::string::npos);
}

TEST(MintJson, MeltQuotesOfOldAndNewMintsAreRead)
{
    const auto now = parse_melt_quote(
        R"({"quote":"q","request":"lnbc1","amount":10,"unit":"sat","fee_reserve":2,"state":"PENDING","expiry":7,)"
        R"("payment_preimage":null})");
    ASSERT_TRUE(now);
    EXPECT_EQ(now->state, MeltState::pending);
    EXPECT_EQ(now->amount, Sat(10));
    EXPECT_EQ(now->fee_reserve, Sat(2));
    EXPECT_EQ(now->expiry, UnixSeconds(7));
    EXPECT_FALSE(now->preimage);
    EXPECT_FALSE(now->change) << "nothing said of change is not the same as none";
    const auto paid = parse_melt_quote(
        R"({"quote":"q","amount":10,"fee_reserve":2,"paid":true,"payment_preimage":"00","change":[]})");
    ASSERT_TRUE(paid);
    EXPECT_EQ(paid->state, MeltState::paid);
    EXPECT_EQ(paid->preimage, "00");
    ASSERT_TRUE(paid->change);
    EXPECT_TRUE(paid->change->empty());
    EXPECT_FALSE(
        parse_melt_quote(R"({"quote":"q","amount":10,"fee_reserve":2,"paid":true,"payment_preimage":""})")->preimage);
}

TEST(MintJson, AMeltQuoteThatIsNoneSaysNothing)
{
    for (const char* bad :
         {"", "[]", "{}", R"({"quote":"q"})", R"({"quote":"","amount":1,"fee_reserve":0,"state":"PAID"})",
          R"({"quote":"q","amount":-1,"fee_reserve":0,"state":"PAID"})",
          R"({"quote":"q","amount":1.5,"fee_reserve":0,"state":"PAID"})", R"({"quote":"q","amount":1,"state":"PAID"})",
          R"({"quote":"q","amount":1,"fee_reserve":0,"state":"paid"})",
          R"({"quote":"q","amount":1,"fee_reserve":0,"paid":"yes"})",
          R"({"quote":"q","amount":1,"fee_reserve":0,"state":"PAID","change":[{}]})",
          R"({"quote":"q","amount":1,"fee_reserve":0,"state":"PAID","change":{}})"})
        EXPECT_EQ(parse_melt_quote(bad).error().reason, Reason::mint_unreachable) << bad;
    for (const char* bad :
         {"", "{}", R"({"quote":"q"})", R"({"quote":7,"inputs":[]})", R"({"quote":"q","inputs":[],"outputs":[7]})"})
        EXPECT_FALSE(parse_melt(bad)) << bad;
}

TEST(MintUrl, SchemeHostPortAndSlashesAreNormalised)
{
    const auto normal = [](const char* url) { return normalise_mint_url(url).value(); };
    EXPECT_EQ(normal("HTTPS://Mint.Example.COM:443/"), "https://mint.example.com");
    EXPECT_EQ(normal("http://mint:80"), "http://mint");
    EXPECT_EQ(normal("http://mint:443"), "http://mint:443");
    EXPECT_EQ(normal("https://mint:08443/Bitcoin//"), "https://mint:8443/Bitcoin");
    EXPECT_EQ(normal("https://mint./x"), "https://mint/x");
    EXPECT_EQ(normal("http://[::1]:3338/a"), "http://[::1]:3338/a");
    EXPECT_EQ(normal("http://[::1]"), "http://[::1]");
    EXPECT_EQ(normal("http://127.0.0.1:3338"), "http://127.0.0.1:3338");
}

TEST(MintUrl, TheSameMintIsRecognisedAndAnotherIsNot)
{
    EXPECT_TRUE(same_mint("https://Mint.example/Bitcoin/", "https://mint.EXAMPLE:443/Bitcoin"));
    EXPECT_FALSE(same_mint("https://mint.example/Bitcoin", "https://mint.example/bitcoin"));
    EXPECT_FALSE(same_mint("https://mint.example", "http://mint.example"));
    EXPECT_FALSE(same_mint("https://mint.example", "https://mint.example.evil"));
    EXPECT_FALSE(same_mint("https://mint.example", "https://mint.example@evil"));
    EXPECT_FALSE(same_mint("nonsense", "nonsense"));
}

TEST(MintUrl, WhatIsNoMintUrlIsRefused)
{
    for (const std::string& url : {std::string(),
                                   std::string("mint.example"),
                                   std::string("ftp://mint"),
                                   std::string("https://"),
                                   std::string("https:///x"),
                                   std::string("https://user@mint"),
                                   std::string("https://user:pw@mint"),
                                   std::string("https://mint?x"),
                                   std::string("https://mint#x"),
                                   std::string("https://mi nt"),
                                   std::string("https://mint/\n"),
                                   std::string("https://mint:0"),
                                   std::string("https://mint:65536"),
                                   std::string("https://mint:x"),
                                   std::string("https://mint:80:80"),
                                   std::string("https://[::1"),
                                   std::string("https://mint\\x"),
                                   std::string("https://m\xc3\xafnt"),
                                   std::string("https://[]"),
                                   "https://mint/" + std::string(2000, 'x')})
        EXPECT_FALSE(normalise_mint_url(url)) << url.substr(0, 50);
    maul("https://Mint.example:8443/Bitcoin/", [](std::string_view url) {
        const auto normal = normalise_mint_url(url);
        if (normal) {
            EXPECT_EQ(normalise_mint_url(*normal).value(), *normal); // stable
        }
    });
}

} // namespace
} // namespace adit::payments::cashu
