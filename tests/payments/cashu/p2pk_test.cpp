#include "payments/cashu/p2pk.h"

#include "base/hash.h"
#include "cashu_testing.h"
#include "payments/cashu/mint_json.h"
#include "payments/cashu/p2pk_internal.h"

namespace adit::payments::cashu {
namespace {

constexpr UnixSeconds kLockNow{1'800'000'000};

// ---- the official vectors

Proof proof_of(const json& row)
{
    json one = row;
    if (!one.contains("amount")) one["amount"] = 1;
    return parse_proofs(json::array({one}).dump()).value().front();
}

TEST(Nut11, EveryProofOfTheVectorsIsJudgedAsItSays)
{
    int judged = 0;
    for (const json& row : rows("nut11.json", "proofs")) {
        const Proof proof = proof_of(row["proof"]);
        const bool spendable = verify_spending_conditions(std::span(&proof, 1), {}, kLockNow).has_value();
        // The one row that states no verdict has a refund key, so nobody spends it without a signature.
        const bool expected = row.contains("valid") && row["valid"].is_boolean() && row["valid"].get<bool>();
        EXPECT_EQ(spendable, expected) << row["case"];
        ++judged;
    }
    EXPECT_EQ(judged, 9);
}

TEST(Nut11, EverySigAllRequestOfTheVectorsIsJudgedAsItSays)
{
    const json file = vectors("nut11.json");
    for (const char* list : {"sig_all_swap", "sig_all_melt"})
        for (const json& row : file[list]) {
            const auto request = parse_swap(row["request"].dump());
            ASSERT_TRUE(request) << row["case"];
            const std::string quote = row["request"].value("quote", "");
            EXPECT_EQ(verify_spending_conditions(request->inputs, request->outputs, kLockNow, quote).has_value(),
                      row["valid"].get<bool>())
                << list << ' ' << row["case"];
            if (!row.contains("msg")) continue;
            const std::string message = sig_all_message(request->inputs, request->outputs, quote);
            EXPECT_EQ(message, str(row["msg"])) << row["case"];
            EXPECT_EQ(encode_hex(sha256(as_bytes(message))), str(row["msg_sha256"])) << row["case"];
        }
}

// ---- who may spend

const protocol::SecretKey kOurs = secret_key(1), kBuyer = secret_key(2), kThird = secret_key(3);
Point ours() { return even_point(kOurs.public_key()); }
Point buyer() { return even_point(kBuyer.public_key()); }
Point third() { return even_point(kThird.public_key()); }

/// With whatever stands for the tags. Not for braces: nlohmann takes pairs of texts for an object.
std::string lock_with(const std::string& data, const json& tags)
{
    return json::array({"P2PK", {{"nonce", "n"}, {"data", data}, {"tags", tags}}}).dump();
}

std::string lock_text(const std::string& data, const std::vector<SecretTag>& tags = {})
{
    return lock_with(data, json(tags));
}

bool accepts(const std::string& secret) { return spendable_alone(secret, kOurs.public_key(), kLockNow).has_value(); }

TEST(SpendableAlone, ALockToUsIsAcceptedHoweverItIsSpaced)
{
    const std::string key = ours().hex();
    EXPECT_TRUE(accepts(R"(["P2PK",{"nonce":"a","data":")" + key + R"("}])"));
    EXPECT_TRUE(accepts(" [ \"P2PK\" , { \"data\" : \"" + key + "\" , \"tags\" : [ ] , \"nonce\" : \"a\" } ] "));
    EXPECT_TRUE(accepts(lock_text(key)));
    EXPECT_TRUE(accepts(lock_text("03" + key.substr(2)))); // the parity is not looked at
    EXPECT_TRUE(accepts(lock_text(key, {{"sigflag", "SIG_INPUTS"}, {"n_sigs", "1"}, {"purpose", "x", "y"}})));
}

TEST(SpendableAlone, AnotherSignerBesideUsDoesNoHarm)
{
    EXPECT_TRUE(accepts(lock_text(buyer().hex(), {{"pubkeys", ours().hex()}})));
    EXPECT_TRUE(accepts(lock_text(ours().hex(), {{"pubkeys", buyer().hex(), third().hex()}})));
    EXPECT_FALSE(accepts(lock_text(ours().hex(), {{"pubkeys", buyer().hex()}, {"n_sigs", "2"}})));
}

TEST(SpendableAlone, ALocktimeMustBeAMinuteAwayAtLeast)
{
    const auto until = [](std::int64_t seconds) {
        return lock_text(ours().hex(), {{"locktime", std::to_string(seconds)}, {"refund", buyer().hex()}});
    };
    EXPECT_TRUE(accepts(until(kLockNow.count() + 60)));
    EXPECT_FALSE(accepts(until(kLockNow.count() + 59)));
    EXPECT_FALSE(accepts(until(kLockNow.count())));
    EXPECT_FALSE(accepts(until(1)));
    EXPECT_FALSE(accepts(until(0)));
    EXPECT_TRUE(spendable_alone(until(kLockNow.count() + 1), kOurs.public_key(), kLockNow, Seconds(0)));
}

TEST(SpendableAlone, TheSigflagIsGiven)
{
    EXPECT_EQ(spendable_alone(lock_text(ours().hex()), kOurs.public_key(), kLockNow).value(), SigFlag::inputs);
    EXPECT_EQ(spendable_alone(lock_text(ours().hex(), {{"sigflag", "SIG_ALL"}}), kOurs.public_key(), kLockNow).value(),
              SigFlag::all);
}

TEST(SpendableAlone, EverythingElseIsRefused)
{
    const std::string us = ours().hex(), other = buyer().hex();
    const std::vector<std::string> refused{
        "",
        "a plain secret",
        std::string(64, 'a'),
        lock_text(other),
        lock_text(other, {{"refund", us}}),
        lock_text(us.substr(2)),
        lock_text("04" + us.substr(2)),
        lock_text(""),
        lock_text("02" + std::string(64, 'f')),
        json::array({"HTLC", {{"nonce", "n"}, {"data", us}}}).dump(),
        json::array({"p2pk", {{"nonce", "n"}, {"data", us}}}).dump(),
        json::array({"P2PK", {{"data", us}}}).dump(),
        json::array({"P2PK", {{"nonce", 1}, {"data", us}}}).dump(),
        json::array({"P2PK", {{"nonce", "n"}, {"data", us}}, 1}).dump(),
        json::array({"P2PK"}).dump(),
        // one tag, two readings
        lock_text(us, {{"n_sigs", "1"}, {"n_sigs", "2"}}),
        lock_text(us, {{"sigflag", "SIG_INPUTS"}, {"sigflag", "SIG_ALL"}}),
        lock_text(us, {{"pubkeys", other}, {"pubkeys", third().hex()}}),
        R"(["P2PK",{"nonce":"n","data":")" + us + R"(","data":")" + other + R"("}])",
        R"(["P2PK",{"nonce":"n","data":")" + us + R"(","tags":[],"tags":[["n_sigs","2"]]}])",
        // malformed tags
        lock_text(us, {{"sigflag", "SIG_OTHER"}}),
        lock_with(us, json::array({json::array({"sigflag"})})),
        lock_with(us, json::array({json::array()})),
        lock_with(us, json::array({"sigflag"})),
        lock_with(us, json::object()),
        lock_with(us, json::array({json::array({"n_sigs", 1})})),
        lock_text(us, {{"n_sigs", "0"}}),
        lock_text(us, {{"n_sigs", "2"}}),
        lock_text(us, {{"n_sigs", "-1"}}),
        lock_text(us, {{"n_sigs", "1 "}}),
        lock_text(us, {{"n_sigs", "1", "1"}}),
        lock_text(us, {{"n_sigs", ""}}),
        lock_text(us, {{"locktime", "soon"}}),
        lock_text(us, {{"locktime", "99999999999999999999"}}),
        lock_text(us, {{"locktime", "18446744073709551615"}}),
        lock_text(us, {{"locktime", "99999999999"}, {"locktime", "1"}}),
        lock_text(us, {{"pubkeys", us}}),
        lock_text(us, {{"pubkeys", "03" + us.substr(2)}}),
        lock_text(us, {{"pubkeys", other, other}}),
        lock_text(us, {{"pubkeys", "zz"}}),
        lock_with(us, json::array({json::array({"pubkeys"})})),
        lock_text(us, {{"refund", other, other}}),
        lock_text(us, {{"refund", other}, {"n_sigs_refund", "2"}}),
        lock_text(us, {{"n_sigs_refund", "1"}}),
        // not what it should be at all
        "[\"P2PK\",{\"nonce\":\"n\",\"data\":\"" + us + "\"",
        "[\"P2PK\",{\"nonce\":\"n\",\"data\":\"" + us + "\"}]x",
        "[" + std::string(10'000, '['),
        "[\"P2PK\",{\"nonce\":\"" + std::string(20'000, 'n') + "\",\"data\":\"" + us + "\"}]",
    };
    for (const std::string& secret : refused) {
        const auto verdict = spendable_alone(secret, kOurs.public_key(), kLockNow);
        ASSERT_FALSE(verdict) << secret.substr(0, 300);
        EXPECT_EQ(verdict.error().reason, Reason::wrong_p2pk);
        EXPECT_EQ(verdict.error().detail.find(us), std::string::npos);
    }
}

TEST(SpendableAlone, ALockWithAThousandKeysIsRefusedQuickly)
{
    json keys = json::array({"pubkeys"});
    for (int i = 0; i < 100; ++i) keys.push_back(hash_to_curve(as_bytes(std::to_string(i))).hex());
    EXPECT_FALSE(accepts(lock_with(ours().hex(), json::array({keys}))));
}

TEST(SpendableAlone, MauledLocksNeverCrash)
{
    maul(lock_text(ours().hex(), {{"locktime", "99999999999"}, {"n_sigs", "1"}, {"pubkeys", buyer().hex()}}),
         [](std::string_view text) { (void)spendable_alone(text, kOurs.public_key(), kLockNow); });
}

TEST(Secret, PlainSecretsHaveNoConditions)
{
    for (const char* text : {"", "abc", "{}", "\"P2PK\"", "  abc"}) {
        const auto secret = parse_secret(text);
        ASSERT_TRUE(secret) << text;
        EXPECT_FALSE(*secret) << text;
    }
}

TEST(Secret, WhatIsMadeReadsBackAsItWasMeant)
{
    fakes::SeededRng rng;
    P2pkLock lock;
    lock.keys = {ours(), buyer()};
    lock.n_sigs = 2;
    lock.locktime = UnixSeconds(99);
    lock.refund_keys = {third(), ours()};
    lock.n_sigs_refund = 2;
    lock.sigflag = SigFlag::all;
    const std::string text = make_p2pk_secret(lock, rng);
    const auto back = parse_p2pk_lock(*parse_secret(text).value());
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(back->keys, lock.keys);
    EXPECT_EQ(back->refund_keys, lock.refund_keys);
    EXPECT_EQ(back->n_sigs, 2U);
    EXPECT_EQ(back->n_sigs_refund, 2U);
    EXPECT_EQ(back->locktime, lock.locktime);
    EXPECT_EQ(back->sigflag, SigFlag::all);
    EXPECT_NE(make_p2pk_secret(lock, rng), text); // another nonce
    EXPECT_TRUE(json::accept(text));
    EXPECT_LT(make_p2pk_secret({{ours()}, 1, UnixSeconds(1), {buyer()}, 1, SigFlag::inputs}, rng).size(), 1024U);
}

// ---- signing, and what the mint makes of it

class Spending : public ::testing::Test {
protected:
    Proof locked(const P2pkLock& lock) { return make_proof(keyset_, 1, make_p2pk_secret(lock, rng_)); }
    bool spends(const std::vector<Proof>& inputs, UnixSeconds now = kLockNow)
    {
        return verify_spending_conditions(inputs, outputs_, now).has_value();
    }
    bool sign(std::vector<Proof>& inputs, const protocol::SecretKey& key)
    {
        return sign_inputs(inputs, outputs_, key, rng_).has_value();
    }

    fakes::SeededRng rng_;
    Keyset keyset_ = make_keyset();
    std::vector<BlindedMessage> outputs_{{keyset_.id, Sat(1), hash_to_curve(as_bytes("1"))},
                                         {keyset_.id, Sat(2), hash_to_curve(as_bytes("2"))}};
};

TEST_F(Spending, EachInputCarriesItsOwnSignature)
{
    std::vector<Proof> inputs{locked({.keys = {ours()}}), make_proof(keyset_, 1, "plain"), locked({.keys = {ours()}})};
    EXPECT_FALSE(spends(inputs));
    ASSERT_TRUE(sign(inputs, kOurs));
    EXPECT_TRUE(inputs[0].witness && !inputs[1].witness && inputs[2].witness);
    EXPECT_TRUE(spends(inputs));
    std::swap(inputs[0].witness, inputs[2].witness);
    EXPECT_FALSE(spends(inputs));
    ASSERT_TRUE(sign(inputs, kBuyer));
    EXPECT_FALSE(spends(inputs));
}

TEST_F(Spending, UnderSigInputsTheOutputsMayStillChange)
{
    std::vector<Proof> inputs{locked({.keys = {ours()}})};
    ASSERT_TRUE(sign(inputs, kOurs));
    outputs_.pop_back();
    EXPECT_TRUE(spends(inputs));
}

TEST_F(Spending, UnderSigAllTheFirstInputSignsForEverything)
{
    const P2pkLock lock{.keys = {ours()}, .sigflag = SigFlag::all};
    std::vector<Proof> inputs{locked(lock), locked(lock)};
    EXPECT_FALSE(spends(inputs));
    ASSERT_TRUE(sign(inputs, kOurs));
    EXPECT_TRUE(inputs[0].witness && !inputs[1].witness);
    EXPECT_TRUE(spends(inputs));

    const auto same = outputs_;
    std::swap(outputs_[0], outputs_[1]);
    EXPECT_FALSE(spends(inputs));
    outputs_ = same;
    outputs_.pop_back();
    EXPECT_FALSE(spends(inputs));
    outputs_ = same;
    outputs_[0].amount = Sat(2);
    EXPECT_FALSE(spends(inputs));
    outputs_ = same;
    inputs.pop_back();
    EXPECT_FALSE(spends(inputs));
}

TEST_F(Spending, SigAllBesideOtherConditionsIsRefusedByBothSides)
{
    const P2pkLock all{.keys = {ours()}, .sigflag = SigFlag::all};
    P2pkLock other = all;
    other.locktime = UnixSeconds(kLockNow.count() + 1000);
    for (const Proof& beside : {locked({.keys = {ours()}}), locked(other),
                                locked({.keys = {buyer()}, .sigflag = SigFlag::all}), make_proof(keyset_, 1, "plain")})
        for (const bool first : {true, false}) {
            std::vector<Proof> inputs{locked(all), beside};
            if (first) std::swap(inputs[0], inputs[1]);
            EXPECT_FALSE(sign(inputs, kOurs));
            EXPECT_FALSE(spends(inputs));
            EXPECT_FALSE(all_spendable_alone(inputs, kOurs.public_key(), kLockNow));
        }
    EXPECT_TRUE(all_spendable_alone(std::vector{locked(all), locked(all)}, kOurs.public_key(), kLockNow));
    EXPECT_TRUE(all_spendable_alone(std::vector{locked({.keys = {ours()}}), locked({.keys = {buyer(), ours()}})},
                                    kOurs.public_key(), kLockNow));
}

TEST_F(Spending, OneOfTwoIsSpentByEitherAndTwoOfTwoOnlyByBoth)
{
    std::vector<Proof> inputs{locked({.keys = {ours(), buyer()}})};
    ASSERT_TRUE(sign(inputs, kBuyer));
    EXPECT_TRUE(spends(inputs));

    inputs = {locked({.keys = {ours(), buyer()}, .n_sigs = 2})};
    const Sha256 message = sha256(as_bytes(inputs[0].secret));
    const auto one = protocol::sign(kOurs, message, rng_), again = protocol::sign(kOurs, message, rng_);
    const auto two = protocol::sign(kBuyer, message, rng_);
    inputs[0].witness = encode_witness(std::vector{one});
    EXPECT_FALSE(spends(inputs));
    inputs[0].witness = encode_witness(std::vector{one, again}); // two signatures, one signer
    EXPECT_FALSE(spends(inputs));
    inputs[0].witness = encode_witness(std::vector{two, one});
    EXPECT_TRUE(spends(inputs));
}

TEST_F(Spending, AfterTheLocktimeTheRefundKeysSpendTooAndWithoutThemEverybody)
{
    const UnixSeconds until = kLockNow + Seconds(100);
    std::vector<Proof> inputs{locked({.keys = {ours()}, .locktime = until, .refund_keys = {buyer()}})};
    ASSERT_TRUE(sign(inputs, kBuyer));
    EXPECT_FALSE(spends(inputs, until));
    EXPECT_TRUE(spends(inputs, until + Seconds(1)));
    ASSERT_TRUE(sign(inputs, kOurs));
    EXPECT_TRUE(spends(inputs, until));
    EXPECT_TRUE(spends(inputs, until + Seconds(1)));
    inputs[0].witness.reset();
    EXPECT_FALSE(spends(inputs, until + Seconds(1)));

    inputs = {locked({.keys = {ours()}, .locktime = until})};
    EXPECT_FALSE(spends(inputs, until));
    EXPECT_TRUE(spends(inputs, until + Seconds(1)));
}

TEST_F(Spending, MalformedWitnessesAreRefused)
{
    std::vector<Proof> inputs{locked({.keys = {ours()}})};
    ASSERT_TRUE(sign(inputs, kOurs));
    const std::string good = *inputs[0].witness;
    for (const std::string& witness :
         {std::string("{}"), std::string("x"), std::string("[]"), std::string(R"({"signatures":"x"})"),
          std::string(R"({"signatures":["00"]})"), std::string(R"({"signatures":[1]})"), std::string(100'000, '['),
          std::string(R"({"signatures":[")") + std::string(128, '0') + R"("]})"}) {
        inputs[0].witness = witness;
        EXPECT_FALSE(spends(inputs)) << witness.substr(0, 100);
    }
    maul(good, [&](std::string_view text) {
        inputs[0].witness = std::string(text);
        (void)verify_spending_conditions(inputs, outputs_, kLockNow);
    });
}

TEST_F(Spending, KindsThatWeDoNotKnowAreNeverSignedNorSpent)
{
    std::vector<Proof> inputs{make_proof(keyset_, 1, json::array({"FUTURE", {{"nonce", "n"}, {"data", "d"}}}).dump())};
    EXPECT_FALSE(sign(inputs, kOurs));
    EXPECT_FALSE(spends(inputs));
}

} // namespace
} // namespace adit::payments::cashu
