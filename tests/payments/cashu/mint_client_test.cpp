#include "payments/cashu/mint_client.h"

#include "cashu_testing.h"
#include "payments/cashu/dleq.h"
#include "payments/cashu/keyset_book.h"

#include <functional>
#include <thread>

namespace adit::payments::cashu {
namespace {

/// A mint's HTTP side with the keysets and the info that it is given; can fall silent.
class FakeMintHttp : public HttpClient {
public:
    Result<HttpReply> call(const HttpCall& call) override
    {
        const std::lock_guard lock(mutex_);
        calls.push_back(call);
        const std::string path = call.url.substr(std::string("https://mint.example").size());
        if (silent || path == silent_path) return Error{Reason::mint_unreachable, "silent"};
        if (answer) return *answer;
        if (path == "/v1/keysets") return HttpReply{200, encode_keysets(keysets)};
        if (path == "/v1/info") return HttpReply{200, info};
        for (const Keyset& keyset : keysets)
            if (path == "/v1/keys/" + keyset.id) return HttpReply{200, encode_keys(std::span(&keyset, 1))};
        return HttpReply{404, R"({"code":12001,"detail":"keyset unknown"})"};
    }

    std::vector<HttpCall> calls;
    std::vector<Keyset> keysets;
    std::string info = R"({"name":"m","version":"Fake/1","nuts":{"7":{"supported":true},"9":{"supported":true},
        "10":{"supported":true},"11":{"supported":true}}})";
    std::optional<HttpReply> answer;
    bool silent = false;
    std::string silent_path;

private:
    std::mutex mutex_;
};

class MintClientTest : public ::testing::Test {
protected:
    FakeMintHttp http_;
    MintClient mint_{http_, "https://mint.example", Milliseconds(1234)};
};

TEST_F(MintClientTest, ASwapSendsTheVeryBytesItWasGiven)
{
    const BlindedMessage output{make_keyset().id, Sat(1), hash_to_curve({})};
    const std::vector<BlindSignature> signatures{sign_blinded(mint_scalar(Sat(1)), output).value()};
    http_.answer = HttpReply{200, encode_signatures(signatures)};
    const auto answer = mint_.swap("{ \"the\": \"bytes\" }");
    ASSERT_TRUE(std::holds_alternative<std::vector<BlindSignature>>(answer));
    EXPECT_EQ(std::get<0>(answer).front().c, signatures.front().c);
    ASSERT_EQ(http_.calls.size(), 1U);
    EXPECT_EQ(http_.calls[0].body, "{ \"the\": \"bytes\" }");
    EXPECT_EQ(http_.calls[0].method, "POST");
    EXPECT_EQ(http_.calls[0].url, "https://mint.example/v1/swap");
    EXPECT_EQ(http_.calls[0].timeout, Milliseconds(1234));
}

TEST_F(MintClientTest, OnlyAWellFormedErrorIsANo)
{
    http_.answer = HttpReply{400, R"({"code":11001,"detail":"spent"})"};
    const auto no = mint_.swap("{}");
    ASSERT_TRUE(std::holds_alternative<Refusal>(no));
    EXPECT_EQ(std::get<Refusal>(no).code, 11001);

    for (const HttpReply& reply :
         {HttpReply{500, R"({"code":11001,"detail":"spent"})"}, HttpReply{429, R"({"code":11001,"detail":"spent"})"},
          HttpReply{400, "11001"}, HttpReply{400, R"({"code":11001})"}, HttpReply{502, "<html>"}, HttpReply{200, ""},
          HttpReply{200, R"({"signatures":[{"amo)"}, HttpReply{200, R"({"code":11001,"detail":"spent"})"},
          HttpReply{201, R"({"signatures":[]})"}, HttpReply{302, ""}}) {
        http_.answer = reply;
        const auto answer = mint_.swap("{}");
        ASSERT_TRUE(std::holds_alternative<Unknown>(answer)) << reply.status << reply.body;
        EXPECT_EQ(std::get<Unknown>(answer).error.reason, Reason::mint_unreachable);
    }
    http_.silent = true;
    EXPECT_TRUE(std::holds_alternative<Unknown>(mint_.swap("{}")));
    EXPECT_TRUE(std::holds_alternative<Unknown>(mint_.restore({})));
    EXPECT_TRUE(std::holds_alternative<Unknown>(mint_.mint_quote(Sat(1), "sat")));
}

TEST_F(MintClientTest, StatesComeInTheOrderAskedWhateverTheOrderOfTheAnswer)
{
    const std::vector<Point> ys{proof_y("a"), proof_y("b")};
    std::vector<ProofStatus> states{{ys[1], ProofState::spent}, {ys[0], ProofState::unspent}};
    http_.answer = HttpReply{200, encode_proof_states(states)};
    const auto answer = mint_.check_state(ys);
    ASSERT_TRUE(std::holds_alternative<std::vector<ProofState>>(answer));
    EXPECT_EQ(std::get<0>(answer), (std::vector{ProofState::unspent, ProofState::spent}));
    states.pop_back();
    http_.answer = HttpReply{200, encode_proof_states(states)};
    EXPECT_TRUE(std::holds_alternative<Unknown>(mint_.check_state(ys)));
}

TEST_F(MintClientTest, AQuoteIdOfTheMintCanNotChangeThePath)
{
    http_.answer = HttpReply{200, R"({"quote":"q","request":"r","state":"PAID"})"};
    (void)mint_.mint_quote_state("../../x?y#z %");
    EXPECT_EQ(http_.calls[0].url, "https://mint.example/v1/mint/quote/bolt11/..%2f..%2fx%3fy%23z%20%25");
    EXPECT_EQ(http_.calls[0].method, "GET");
}

TEST_F(MintClientTest, KeysOfAnotherKeysetAreNoAnswer)
{
    const Keyset keyset = make_keyset(), other = make_keyset(100);
    http_.answer = HttpReply{200, encode_keys(std::span(&other, 1))};
    EXPECT_TRUE(std::holds_alternative<Unknown>(mint_.keys(keyset.id)));
    EXPECT_TRUE(std::holds_alternative<Keyset>(mint_.keys(other.id)));
    const std::size_t before = http_.calls.size();
    EXPECT_TRUE(std::holds_alternative<Unknown>(mint_.keys("../swap")));
    EXPECT_EQ(http_.calls.size(), before);
}

// ---- keyset_book.h

constexpr UnixSeconds kNow{1'800'000'000};

class KeysetBookTest : public MintClientTest {
protected:
    KeysetBookTest()
    {
        http_.keysets = {make_keyset(100), make_keyset(0, false)};
        http_.keysets[1].active = false;
        Keyset dollars = make_keyset();
        dollars.unit = "usd";
        dollars.id = derive_id_v1(dollars);
        http_.keysets.push_back(dollars);
    }
    KeysetBook book_;
};

TEST_F(KeysetBookTest, RefreshLearnsKeysOfOurUnitAndAsksForThemOnce)
{
    EXPECT_TRUE(book_.page()->keysets.empty());
    EXPECT_TRUE(book_.refresh(mint_).value());
    const auto page = book_.page();
    ASSERT_EQ(page->keysets.size(), 3U);
    EXPECT_EQ(page->find(http_.keysets[0].id)->keys, http_.keysets[0].keys);
    EXPECT_EQ(page->find(http_.keysets[1].id)->keys, http_.keysets[1].keys);
    EXPECT_TRUE(page->find(http_.keysets[2].id)->keys.empty());
    EXPECT_EQ(page->find("00"), nullptr);
    EXPECT_TRUE(page->may_sell());
    EXPECT_EQ(page->for_outputs(kNow)->id, http_.keysets[0].id);
    EXPECT_EQ(http_.calls.size(), 4U); // keysets, two keys, info
    EXPECT_FALSE(book_.refresh(mint_).value());
    EXPECT_EQ(http_.calls.size(), 6U);
}

TEST_F(KeysetBookTest, TheCheapestActiveKeysetThatLastsIsForOutputs)
{
    Keyset cheap = make_keyset(1);
    cheap.final_expiry = kNow + kKeysetEndsSoon + Seconds(10);
    cheap.id = derive_id_v1(cheap);
    http_.keysets.push_back(cheap);
    ASSERT_TRUE(book_.refresh(mint_));
    EXPECT_EQ(book_.page()->for_outputs(kNow)->id, cheap.id);
    EXPECT_EQ(book_.page()->for_outputs(kNow + Seconds(10))->id, http_.keysets[0].id);
    http_.keysets.erase(http_.keysets.begin());
    ASSERT_TRUE(book_.refresh(mint_).value());
    EXPECT_EQ(book_.page()->for_outputs(kNow + Seconds(10))->id, cheap.id) << "rather that than none";
    EXPECT_EQ(book_.page()->for_outputs(kNow + kKeysetEndsSoon + Seconds(10)), nullptr);
    http_.keysets.clear();
    ASSERT_TRUE(book_.refresh(mint_).value());
    EXPECT_EQ(book_.page()->for_outputs(kNow), nullptr);
    EXPECT_NE(book_.page()->find(cheap.id), nullptr); // kept for outputs that are still out
}

TEST_F(KeysetBookTest, ARotationIsSeenWhileOldReadersKeepTheirPage)
{
    ASSERT_TRUE(book_.refresh(mint_));
    const auto old = book_.page();
    http_.keysets[0].active = false;
    http_.keysets[1].active = true;
    EXPECT_TRUE(book_.refresh(mint_).value());
    EXPECT_EQ(old->for_outputs(kNow)->id, http_.keysets[0].id);
    EXPECT_EQ(book_.page()->for_outputs(kNow)->id, http_.keysets[1].id);
}

TEST_F(KeysetBookTest, AKeysetWhoseIdDoesNotFitIsNeverBelieved)
{
    Keyset liar = make_keyset(7);
    liar.id[10] = liar.id[10] == '0' ? '1' : '0';
    http_.keysets.push_back(liar);
    ASSERT_TRUE(book_.refresh(mint_));
    EXPECT_EQ(book_.page()->find(liar.id), nullptr);
    EXPECT_NE(book_.page()->find(http_.keysets[0].id), nullptr);
}

TEST_F(KeysetBookTest, AMintCanNotRaiseTheFeeOfAVersionOneKeyset)
{
    ASSERT_TRUE(book_.refresh(mint_));
    http_.keysets[0].input_fee_ppk = 100'000;
    http_.keysets[1].input_fee_ppk = 3;
    ASSERT_TRUE(book_.refresh(mint_));
    EXPECT_EQ(book_.page()->find(http_.keysets[0].id)->input_fee_ppk, 100U);
    EXPECT_EQ(book_.page()->find(http_.keysets[1].id)->input_fee_ppk, 3U); // an old id does not cover it
}

TEST_F(KeysetBookTest, ASilentMintTakesNothingAway)
{
    ASSERT_TRUE(book_.refresh(mint_));
    http_.silent = true;
    const auto failed = book_.refresh(mint_);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().reason, Reason::mint_unreachable);
    EXPECT_EQ(book_.page()->keysets.size(), 3U);
    EXPECT_NE(book_.page()->for_outputs(kNow), nullptr);
}

TEST_F(KeysetBookTest, WhatWasLearnedBeforeAFailureIsKept)
{
    http_.silent_path = "/v1/keys/" + http_.keysets[0].id;
    EXPECT_FALSE(book_.refresh(mint_));
    EXPECT_EQ(book_.page()->find(http_.keysets[0].id), nullptr);
    EXPECT_NE(book_.page()->find(http_.keysets[1].id), nullptr);
    EXPECT_TRUE(book_.page()->info);
    http_.silent_path.clear();
    EXPECT_TRUE(book_.refresh(mint_).value());
    EXPECT_NE(book_.page()->find(http_.keysets[0].id), nullptr);
}

TEST_F(KeysetBookTest, OnlyAMintThatSaysItLacksANutMayNotSell)
{
    EXPECT_TRUE(book_.page()->may_sell()); // nothing known
    for (const char* missing : {"7", "9", "10", "11"}) {
        json info = json::parse(http_.info);
        info["nuts"][missing]["supported"] = false;
        FakeMintHttp other;
        other.info = info.dump();
        MintClient mint(other, "https://mint.example");
        KeysetBook book;
        ASSERT_TRUE(book.refresh(mint));
        EXPECT_FALSE(book.page()->may_sell()) << missing;
    }
}

TEST_F(KeysetBookTest, WhatIsDumpedLoadsIntoAFreshBookWithoutTheMint)
{
    ASSERT_TRUE(book_.refresh(mint_));
    KeysetBook fresh;
    ASSERT_TRUE(fresh.load(book_.dump()));
    EXPECT_EQ(fresh.dump(), book_.dump());
    EXPECT_EQ(fresh.page()->for_outputs(kNow)->keys, http_.keysets[0].keys);
    EXPECT_TRUE(fresh.page()->info->supports(11));
    EXPECT_TRUE(KeysetBook().load(KeysetBook().dump()));
}

TEST_F(KeysetBookTest, ADamagedDumpIsRefusedAndChangesNothing)
{
    ASSERT_TRUE(book_.refresh(mint_));
    const std::string before = book_.dump();
    json bad = json::parse(before);
    bad["keysets"][0]["keys"].erase("1");
    for (const std::string& text : {bad.dump(), std::string(), std::string("{}"), before.substr(0, before.size() / 2)})
        EXPECT_FALSE(book_.load(text));
    EXPECT_EQ(book_.dump(), before);
}

TEST_F(KeysetBookTest, ReadersAndRefreshesMeetWithoutHarm)
{
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 20; ++round) EXPECT_TRUE(book_.refresh(mint_));
        });
    for (int i = 0; i < 200; ++i) {
        const auto page = book_.page();
        EXPECT_TRUE(page->keysets.empty() || page->keysets.size() == 3);
    }
    for (std::thread& thread : threads) thread.join();
}

} // namespace
} // namespace adit::payments::cashu
