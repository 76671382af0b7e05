#include "devnet/mint_world.h"

#include "base/hash.h"

namespace adit::devnet {
namespace {

using nlohmann::json;

class MintTest : public MintWorld {};

TEST_F(MintTest, MintedProofsSwapIntoOthersOfTheSameValue)
{
    const Proofs proofs = wallet_.mint({1, 4, 16});
    const cashu::Keyset keyset = wallet_.keyset();
    const Prepared prepared = wallet_.prepare(keyset, {1, 2, 2, 16});
    const Reply reply = swap(proofs, prepared.outputs);
    ASSERT_EQ(reply.status, 200) << reply.body;
    const Proofs fresh = wallet_.unblind(keyset, prepared, cashu::parse_signatures(reply.body).value());
    EXPECT_EQ(state_of(proofs[0]), "SPENT");
    EXPECT_EQ(state_of(fresh[0]), "UNSPENT");
    EXPECT_EQ(swap(fresh, Amounts{1, 4, 16}).status, 200);
    EXPECT_EQ(mint_.accounting().outstanding(), Sat(21));
    books_balance();
}

TEST_F(MintTest, KeysetsOfBothVersionsHaveIdsThatFollowFromTheirContent)
{
    mint_.add_keyset({"sat", KeysetVersion::v0, 100, false, {}});
    mint_.add_keyset({"sat", KeysetVersion::v1, 100, true, clock_.now() + Seconds(1000)});
    const auto shown = cashu::parse_keysets(wallet_.get("/v1/keysets").body).value();
    ASSERT_EQ(shown.size(), 3U);
    int versions[2]{};
    for (const cashu::Keyset& facts : shown) {
        auto whole = cashu::parse_keys(wallet_.get("/v1/keys/" + facts.id).body).value().at(0);
        whole.input_fee_ppk = facts.input_fee_ppk;
        whole.final_expiry = facts.final_expiry;
        EXPECT_TRUE(cashu::id_matches(whole)) << facts.id;
        EXPECT_EQ(whole.keys.size(), 64U);
        ++versions[facts.id[1] - '0'];
    }
    EXPECT_EQ(versions[0], 1);
    EXPECT_EQ(versions[1], 2);
    EXPECT_EQ(cashu::parse_keys(wallet_.get("/v1/keys").body).value().size(), 2U) << "the active ones";
}

TEST_F(MintTest, FeesAreSummedOverTheInputsAndRoundedUpOnce)
{
    const auto free = wallet_.mint({8, 8});
    mint_.rotate({"sat", KeysetVersion::v1, 400, true, {}});
    const Proofs paid = wallet_.mint({8, 8, 8});
    EXPECT_EQ(swap(paid, Amounts{8, 8, 4, 2, 1}).code(), 11005);
    EXPECT_EQ(swap(paid, Amounts{8, 8, 8}).code(), 11005);
    EXPECT_EQ(swap(paid, Amounts{8, 8, 4, 2}).status, 200) << "1.2 sat is 2 sat";
    EXPECT_EQ(swap(free, Amounts{16}).status, 200) << "the old keyset has no fee";
    EXPECT_EQ(mint_.accounting().fees, Sat(2));
    books_balance();
}

TEST_F(MintTest, ARefusedSwapTakesNothing)
{
    const Proofs proofs = wallet_.mint({4, 8});
    const cashu::Keyset keyset = wallet_.keyset();
    struct Case {
        int code;
        std::function<Reply()> attempt;
    };
    Proofs forged = proofs;
    forged[1].c = forged[0].c;
    Proofs other_amount = proofs;
    other_amount[1].amount = Sat(16);
    Proofs no_key = proofs;
    no_key[1].amount = Sat(7);
    Proofs unknown = proofs;
    unknown[0].keyset = "00deadbeefdeadbe";
    Proofs twice = proofs;
    twice[1] = twice[0];
    Proofs long_secret = proofs;
    long_secret[0].secret = std::string(2000, 'x');
    auto outputs_twice = wallet_.prepare(keyset, {4, 8}).outputs;
    outputs_twice[1].b = outputs_twice[0].b;
    auto outputs_unknown = wallet_.prepare(keyset, {4, 8}).outputs;
    outputs_unknown[0].keyset = "00deadbeefdeadbe";
    const Case cases[]{
        {10001,
         [&] {
             return swap(forged, Amounts{4, 8});
         }},
        {10001,
         [&] {
             return swap(other_amount, Amounts{4, 16});
         }},
        {10001,
         [&] {
             return swap(no_key, Amounts{4, 4, 2, 1});
         }},
        {10001,
         [&] {
             return swap(long_secret, Amounts{4, 8});
         }},
        {12001,
         [&] {
             return swap(unknown, Amounts{4, 8});
         }},
        {12001, [&] { return swap(proofs, outputs_unknown); }},
        {11005,
         [&] {
             return swap(proofs, Amounts{4, 4});
         }},
        {11005,
         [&] {
             return swap(proofs, Amounts{8, 8});
         }},
        {11006, [&] { return swap(proofs, Amounts{12}); }},
        {11006,
         [&] {
             return swap(proofs, Amounts{1ULL << 63, 1ULL << 63});
         }},
        {11007, [&] { return swap(twice, Amounts{8}); }},
        {11008, [&] { return swap(proofs, outputs_twice); }},
    };
    for (const Case& c : cases) {
        const Reply reply = c.attempt();
        EXPECT_EQ(reply.code(), c.code) << reply.body;
        EXPECT_EQ(reply.status, 400);
        EXPECT_TRUE(json::parse(reply.body)["detail"].is_string());
        EXPECT_EQ(state_of(proofs[0]), "UNSPENT");
    }
    EXPECT_EQ(swap(proofs, Amounts{4, 8}).status, 200);
}

TEST_F(MintTest, TooManyInputsAreToldApartFromRepeatedOnes)
{
    Proofs many(1001, wallet_.mint({1})[0]);
    for (std::size_t i = 0; i < many.size(); ++i) many[i].secret = std::to_string(i);
    EXPECT_EQ(swap(many, Amounts{1}).code(), 11014);
    const std::vector<cashu::BlindedMessage> outputs(1001, wallet_.prepare(wallet_.keyset(), {1}).outputs[0]);
    EXPECT_EQ(swap(wallet_.mint({1}), outputs).code(), 11015);
}

TEST_F(MintTest, SpentPendingAndSignedAreToldApart)
{
    mint_.set_settings({.caching = Caching::off});
    const Proofs proofs = wallet_.mint({4});
    const auto outputs = wallet_.prepare(wallet_.keyset(), {4}).outputs;
    const std::vector<std::string> ys{cashu::proof_y(proofs[0].secret).hex()};
    mint_.set_pending(ys, true);
    EXPECT_EQ(swap(proofs, outputs).code(), 11002);
    EXPECT_EQ(state_of(proofs[0]), "PENDING");
    mint_.set_pending(ys, false);
    EXPECT_EQ(swap(proofs, outputs).status, 200);
    EXPECT_EQ(swap(proofs, outputs).code(), 11001);
    EXPECT_EQ(swap(wallet_.mint({4}), outputs).code(), 11003);
}

TEST_F(MintTest, InactiveAndExpiredKeysetsSignNothing)
{
    const Proofs proofs = wallet_.mint({4});
    const auto old_outputs = wallet_.prepare(wallet_.keyset(), {4}).outputs;
    mint_.rotate({"sat", KeysetVersion::v0, 0, true, clock_.now() + Seconds(60)});
    EXPECT_EQ(swap(proofs, old_outputs).code(), 12002);
    const cashu::Keyset brief = wallet_.keyset();
    const Proofs brief_proofs = wallet_.mint({4});
    clock_.advance(Seconds(61));
    EXPECT_EQ(swap(proofs, wallet_.prepare(brief, {4}).outputs).code(), 12003);
    EXPECT_EQ(swap(brief_proofs, old_outputs).code(), 12003);
    ASSERT_TRUE(mint_.set_active(old_outputs[0].keyset, true));
    EXPECT_EQ(swap(proofs, old_outputs).status, 200) << "inputs of any keyset, outputs of an active one";
    EXPECT_FALSE(mint_.set_active("00", true));
}

TEST_F(MintTest, UnitsDoNotMix)
{
    mint_.add_keyset({"usd", KeysetVersion::v1, 0, true, {}});
    const Proofs sats = wallet_.mint({4});
    const auto dollars = wallet_.prepare(wallet_.keyset("usd"), {4}).outputs;
    EXPECT_EQ(swap(sats, dollars).code(), 11010);
    auto both = wallet_.prepare(wallet_.keyset(), {2}).outputs;
    both.push_back(wallet_.prepare(wallet_.keyset("usd"), {2}).outputs[0]);
    EXPECT_EQ(swap(sats, both).code(), 11009);
}

TEST_F(MintTest, RestoreGivesBackExactlyWhatWasSigned)
{
    const cashu::Keyset keyset = wallet_.keyset();
    const Prepared prepared = wallet_.prepare(keyset, {4, 8});
    const Reply minted = wallet_.post("/v1/mint/bolt11", cashu::encode_mint(wallet_.mint_quote(12), prepared.outputs));
    auto asked = prepared.outputs;
    asked.push_back(wallet_.prepare(keyset, {1}).outputs[0]);
    asked[0].amount = Sat(); // a wallet that restores does not know the amounts
    const auto restored = cashu::parse_restored(wallet_.post("/v1/restore", cashu::encode_restore(asked)).body).value();
    ASSERT_EQ(restored.signatures.size(), 2U);
    const auto signatures = cashu::parse_signatures(minted.body).value();
    for (std::size_t i = 0; i < 2; ++i) {
        const cashu::BlindSignature* const found = restored.find(prepared.outputs[i].b);
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(found->c, signatures[i].c);
        EXPECT_EQ(found->amount, prepared.outputs[i].amount);
    }
}

TEST_F(MintTest, AnIdenticalRequestGetsTheSameAnswerWhileTheCacheIsOn)
{
    const Proofs proofs = wallet_.mint({4});
    const auto outputs = wallet_.prepare(wallet_.keyset(), {4}).outputs;
    const Reply first = swap(proofs, outputs);
    const Reply second = swap(proofs, outputs);
    EXPECT_EQ(first.body, second.body);
    EXPECT_EQ(second.status, 200);
    EXPECT_EQ(mint_.replayed(), 1U);
    EXPECT_TRUE(json::parse(wallet_.get("/v1/info").body)["nuts"].contains("19"));
    mint_.set_settings({.caching = Caching::off});
    EXPECT_EQ(swap(proofs, outputs).code(), 11001);
    EXPECT_FALSE(json::parse(wallet_.get("/v1/info").body)["nuts"].contains("19"));
    books_balance();
}

TEST_F(MintTest, ALockedProofNeedsItsSignature)
{
    const auto key = protocol::SecretKey::generate(rng_);
    const auto wrong = protocol::SecretKey::generate(rng_);
    Proofs proofs = wallet_.mint({4, 8}, locked_to(key));
    EXPECT_EQ(swap(proofs, Amounts{4, 8}).code(), 10001) << "no witness";
    const auto outputs = wallet_.prepare(wallet_.keyset(), {4, 8}).outputs;
    const Proofs unsigned_proofs = proofs;
    proofs[0].witness =
        cashu::encode_witness(std::vector{protocol::sign(wrong, sha256(as_bytes(proofs[0].secret)), rng_)});
    proofs[1].witness = proofs[0].witness;
    EXPECT_EQ(swap(proofs, outputs).code(), 10001) << "another key";
    proofs = unsigned_proofs;
    ASSERT_TRUE(cashu::sign_inputs(proofs, outputs, key, rng_));
    EXPECT_EQ(swap(proofs, Amounts{8, 4}).status, 200) << "SIG_INPUTS binds no outputs";
    const std::vector ys{cashu::proof_y(proofs[0].secret)};
    const json states = json::parse(wallet_.post("/v1/checkstate", cashu::encode_check_state(ys)).body);
    EXPECT_EQ(states["states"][0]["witness"], *proofs[0].witness);
}

TEST_F(MintTest, SigAllBindsAllOutputs)
{
    const auto key = protocol::SecretKey::generate(rng_);
    Proofs proofs = wallet_.mint({4, 8}, locked_to(key, cashu::SigFlag::all));
    const auto outputs = wallet_.prepare(wallet_.keyset(), {4, 8}).outputs;
    ASSERT_TRUE(cashu::sign_inputs(proofs, outputs, key, rng_));
    EXPECT_EQ(swap(proofs, Amounts{4, 8}).code(), 10001) << "other outputs than were signed";
    auto reordered = outputs;
    std::swap(reordered[0], reordered[1]);
    EXPECT_EQ(swap(proofs, reordered).code(), 10001);
    Proofs one(proofs.begin(), proofs.begin() + 1);
    EXPECT_EQ(swap(one, {outputs[0]}).code(), 10001) << "fewer inputs than were signed";
    EXPECT_EQ(swap(proofs, outputs).status, 200);
}

TEST_F(MintTest, AfterTheLocktimeTheRefundKeySpends)
{
    const auto key = protocol::SecretKey::generate(rng_);
    const auto refund = protocol::SecretKey::generate(rng_);
    const auto make = [&] {
        cashu::P2pkLock lock;
        lock.keys = {cashu::even_point(key.public_key())};
        lock.locktime = clock_.now() + Seconds(100);
        lock.refund_keys = {cashu::even_point(refund.public_key())};
        return cashu::make_p2pk_secret(lock, rng_);
    };
    Proofs proofs = wallet_.mint({4}, make);
    proofs[0].witness =
        cashu::encode_witness(std::vector{protocol::sign(refund, sha256(as_bytes(proofs[0].secret)), rng_)});
    EXPECT_EQ(swap(proofs, Amounts{4}).code(), 10001);
    clock_.advance(Seconds(101));
    EXPECT_EQ(swap(proofs, Amounts{4}).status, 200);
}

TEST_F(MintTest, AHashLockOpensForItsPreimage)
{
    const ByteArray<32> preimage = rng_.bytes<32>();
    const auto make = [&] {
        return cashu::encode_secret({"HTLC", encode_hex(rng_.bytes<16>()), encode_hex(sha256(preimage)), {}});
    };
    Proofs proofs = wallet_.mint({4}, make);
    EXPECT_EQ(swap(proofs, Amounts{4}).code(), 10001);
    proofs[0].witness = json{{"preimage", encode_hex(rng_.bytes<32>())}}.dump();
    EXPECT_EQ(swap(proofs, Amounts{4}).code(), 10001);
    proofs[0].witness = json{{"preimage", encode_hex(preimage)}}.dump();
    EXPECT_EQ(swap(proofs, Amounts{4}).status, 200);
}

TEST_F(MintTest, WhatIsNoRequestIsRefusedWithoutActing)
{
    const char* const bodies[]{"",
                               "[]",
                               "{}",
                               "null",
                               R"({"inputs":{},"outputs":1})",
                               "\xff",
                               R"({"inputs":[{"amount":-1}],"outputs":[{}]})",
                               R"({"quote":7,"outputs":[7]})"};
    for (const char* path : {"/v1/swap", "/v1/checkstate", "/v1/restore", "/v1/mint/quote/bolt11", "/v1/mint/bolt11",
                             "/v1/melt/quote/bolt11", "/v1/melt/bolt11"}) {
        for (const char* body : bodies) {
            const Reply reply = wallet_.post(path, body);
            EXPECT_EQ(reply.status, 400) << path << " " << body;
            EXPECT_EQ(reply.code(), 10000) << path << " " << body;
        }
        EXPECT_EQ(wallet_.post(path, std::string(200'000, '[')).status, 400);
        EXPECT_EQ(wallet_.get(path).status, 404);
    }
    EXPECT_EQ(wallet_.post("/v1/swap", R"({"inputs":[],"outputs":[]})").code(), 10000);
    EXPECT_EQ(wallet_.get("/v1/keys/0011223344556677").code(), 12001);
    EXPECT_EQ(wallet_.get("/").status, 404);
}

TEST_F(MintTest, InfoNamesWhatWorksAndHidesWhatItIsToldToHide)
{
    const auto info = cashu::parse_info(wallet_.get("/v1/info").body).value();
    for (const int nut : {4, 5, 7, 8, 9, 10, 11, 12, 14, 20}) EXPECT_TRUE(info.supports(nut)) << nut;
    EXPECT_FALSE(info.supports(15));
    MintSettings settings;
    settings.hidden_nuts = {11};
    mint_.set_settings(settings);
    EXPECT_FALSE(cashu::parse_info(wallet_.get("/v1/info").body).value().supports(11));
}

TEST_F(MintTest, TransactionsNameInputsAndOutputs)
{
    const Proofs proofs = wallet_.mint({4});
    const auto outputs = wallet_.prepare(wallet_.keyset(), {4}).outputs;
    swap(proofs, outputs);
    const auto all = mint_.transactions();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].kind, MintTransaction::Kind::mint);
    EXPECT_EQ(all[1].ys, std::vector{cashu::proof_y(proofs[0].secret).hex()});
    EXPECT_EQ(all[1].outputs, std::vector{outputs[0].b.hex()});
    EXPECT_EQ(all[1].in, Sat(4));
    EXPECT_TRUE(mint_.has_signed(outputs[0].b.hex()));
    EXPECT_EQ(mint_.state_of(all[1].ys[0]), cashu::ProofState::spent);
}

} // namespace
} // namespace adit::devnet
