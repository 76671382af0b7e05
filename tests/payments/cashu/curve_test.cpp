#include "payments/cashu/curve.h"

#include "cashu_testing.h"
#include "payments/cashu/dleq.h"

namespace adit::payments::cashu {
namespace {

TEST(Curve, HashesToThePointsOfNut00)
{
    const json file = vectors("nut00.json");
    for (const json& row : file["hash_to_curve"])
        EXPECT_EQ(hash_to_curve(parse_hex(str(row["message_hex"])).value()).hex(), str(row["point"])) << row;
    EXPECT_EQ(file["hash_to_curve"].size(), 3U);
}

TEST(Curve, BlindsAsNut00Says)
{
    for (const json& row : rows("nut00.json", "blind")) {
        const Bytes x = parse_hex(str(row["x_hex"])).value();
        const auto b = blind(as_text(x), scalar(str(row["r"])));
        ASSERT_TRUE(b) << row;
        EXPECT_EQ(b->hex(), str(row["B_"])) << row;
    }
}

TEST(Curve, SignsAsNut00Says)
{
    for (const json& row : rows("nut00.json", "sign"))
        EXPECT_EQ(multiply(point(row["B_"]), scalar(str(row["k"]))).value().hex(), str(row["C_"])) << row;
}

TEST(Curve, WhatIsBlindedSignedAndUnblindedIsTheMintsSignature)
{
    fakes::SeededRng rng;
    const Scalar k = random_scalar(rng);
    for (int i = 0; i < 20; ++i) {
        const Scalar r = random_scalar(rng);
        const std::string secret = "secret " + std::to_string(i);
        const Point c_blind = multiply(blind(secret, r).value(), k).value();
        const Point c = unblind(c_blind, r, public_point(k).value()).value();
        EXPECT_TRUE(is_signed_with(k, secret, c));
        EXPECT_FALSE(is_signed_with(k, secret + "x", c));
        EXPECT_FALSE(is_signed_with(random_scalar(rng), secret, c));
    }
}

TEST(Curve, ZeroAndTheGroupOrderAreNoScalars)
{
    EXPECT_FALSE(parse_scalar(std::string(64, '0')));
    EXPECT_FALSE(parse_scalar("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));
    EXPECT_TRUE(parse_scalar("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"));
    EXPECT_FALSE(parse_scalar("01"));
    EXPECT_FALSE(public_point(Scalar()));
    EXPECT_FALSE(multiply(hash_to_curve({}), Scalar()));
}

TEST(Curve, APointMinusItselfIsNoPoint)
{
    const Point some = hash_to_curve(as_bytes("some"));
    EXPECT_FALSE(subtract(some, some));
    EXPECT_TRUE(add(some, some));
}

TEST(Curve, OnlyCompressedPointsOnTheCurveAreParsed)
{
    const std::string good = hash_to_curve({}).hex();
    EXPECT_TRUE(Point::parse_hex(good));
    EXPECT_FALSE(Point::parse_hex(good.substr(2)));
    EXPECT_FALSE(Point::parse_hex("04" + good.substr(2)));
    EXPECT_FALSE(Point::parse_hex(good + "00"));
    EXPECT_FALSE(Point::parse_hex(""));
    EXPECT_FALSE(Point::parse_hex("02" + std::string(64, 'f')));
    EXPECT_FALSE(Point::parse_hex(std::string(66, 'z')));
}

TEST(Curve, ANostrKeyAndItsPointAreTheSameX)
{
    for (std::uint8_t number = 1; number < 20; ++number) {
        const protocol::PublicKey key = secret_key(number).public_key();
        EXPECT_EQ(even_point(key).hex(), "02" + key.hex());
        EXPECT_EQ(x_only(even_point(key)), key);
    }
}

// ---- NUT-12

Dleq dleq(const json& row)
{
    Dleq out{hex<32>(row["e"]), hex<32>(row["s"]), std::nullopt};
    if (row.contains("r")) out.r = hex<32>(row["r"]);
    return out;
}

TEST(Dleq, HashEIsAsNut12Says)
{
    const json row = vectors("nut12.json")["hash_e"];
    const Point points[]{point(row["R1"]), point(row["R2"]), point(row["K"]), point(row["C_"])};
    EXPECT_EQ(encode_hex(hash_e(points)), str(row["hash"]));
}

TEST(Dleq, TheMintsOwnNonceGivesTheProofOfNut12)
{
    const json row = vectors("nut12.json")["deterministic_nonce"];
    const Scalar a = scalar(str(row["a"]));
    EXPECT_EQ(public_point(a).value().hex(), str(row["A"]));
    const auto signature = sign_blinded(a, BlindedMessage{"00882760bfa2eb41", Sat(8), point(row["B_"])});
    ASSERT_TRUE(signature && signature->dleq);
    EXPECT_EQ(signature->c.hex(), str(row["C_"]));
    EXPECT_EQ(encode_hex(signature->dleq->e), str(row["e"]));
    EXPECT_EQ(encode_hex(signature->dleq->s), str(row["s"]));
    EXPECT_FALSE(signature->dleq->r);
}

TEST(Dleq, TheSignatureOfNut12VerifiesAndOnlyAsItIs)
{
    const json row = vectors("nut12.json")["blind_signature"];
    const Point key = point(row["A"]), b = point(row["B_"]), c = point(row["signature"]["C_"]);
    const Dleq good = dleq(row["signature"]["dleq"]);
    EXPECT_EQ(verify_promise_dleq(key, b, c, good), row["valid"].get<bool>());
    for (const std::size_t byte : {0U, 15U, 31U}) {
        Dleq bad = good;
        bad.e[byte] ^= 1;
        EXPECT_FALSE(verify_promise_dleq(key, b, c, bad));
        bad = good;
        bad.s[byte] ^= 1;
        EXPECT_FALSE(verify_promise_dleq(key, b, c, bad));
    }
    EXPECT_FALSE(verify_promise_dleq(b, b, c, good));
    EXPECT_FALSE(verify_promise_dleq(key, key, c, good));
    EXPECT_FALSE(verify_promise_dleq(key, b, key, good));
    EXPECT_FALSE(verify_promise_dleq(key, b, c, Dleq{}));
    Dleq huge;
    huge.e.fill(0xff);
    huge.s.fill(0xff);
    EXPECT_FALSE(verify_promise_dleq(key, b, c, huge));
}

TEST(Dleq, TheProofOfNut12VerifiesAndOnlyWithItsR)
{
    const json row = vectors("nut12.json")["proof"];
    const json& text = row["proof"];
    Proof proof{str(text["id"]), Sat(1), str(text["secret"]), point(text["C"]), std::nullopt, dleq(text["dleq"])};
    EXPECT_TRUE(verify_proof_dleq(point(row["A"]), proof));
    Proof other = proof;
    other.secret += '0';
    EXPECT_FALSE(verify_proof_dleq(point(row["A"]), other));
    other = proof;
    (*other.dleq->r)[31] ^= 1;
    EXPECT_FALSE(verify_proof_dleq(point(row["A"]), other));
    other.dleq->r.reset();
    EXPECT_FALSE(verify_proof_dleq(point(row["A"]), other));
    other.dleq.reset();
    EXPECT_FALSE(verify_proof_dleq(point(row["A"]), other));
    proof.dleq->r = ByteArray<32>{};
    EXPECT_FALSE(verify_proof_dleq(point(row["A"]), proof));
}

TEST(Dleq, APromiseVerifiesForTheWalletAndLaterForTheReceiver)
{
    fakes::SeededRng rng;
    const Scalar k = random_scalar(rng), r = random_scalar(rng);
    const Point key = public_point(k).value();
    const BlindedMessage output{"00882760bfa2eb41", Sat(8), blind("a secret", r).value()};
    const BlindSignature signature = sign_blinded(k, output).value();
    ASSERT_TRUE(verify_promise_dleq(key, output.b, signature.c, *signature.dleq));

    Proof proof{output.keyset, output.amount, "a secret", unblind(signature.c, r, key).value(), {}, signature.dleq};
    proof.dleq->r.emplace();
    std::copy(r.expose().begin(), r.expose().end(), proof.dleq->r->begin());
    EXPECT_TRUE(verify_proof_dleq(key, proof));
}

} // namespace
} // namespace adit::payments::cashu
