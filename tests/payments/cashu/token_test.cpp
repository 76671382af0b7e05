#include "payments/cashu/token.h"

#include "cashu_testing.h"
#include "payments/cashu/cbor.h"

namespace adit::payments::cashu {
namespace {

// A short name for what most rows need.
Result<Token> v4(const CborWriter& cbor) { return parse_token("cashuB" + encode_base64url(cbor.out())); }

void expect_same(const Token& a, const Token& b)
{
    EXPECT_EQ(a.mint, b.mint);
    EXPECT_EQ(a.unit, b.unit);
    EXPECT_EQ(a.memo, b.memo);
    ASSERT_EQ(a.proofs.size(), b.proofs.size());
    for (std::size_t i = 0; i < a.proofs.size(); ++i) {
        EXPECT_EQ(a.proofs[i].keyset, b.proofs[i].keyset);
        EXPECT_EQ(a.proofs[i].amount, b.proofs[i].amount);
        EXPECT_EQ(a.proofs[i].secret, b.proofs[i].secret);
        EXPECT_EQ(a.proofs[i].c, b.proofs[i].c);
        EXPECT_EQ(a.proofs[i].witness, b.proofs[i].witness);
        ASSERT_EQ(a.proofs[i].dleq.has_value(), b.proofs[i].dleq.has_value());
        if (a.proofs[i].dleq) {
            EXPECT_EQ(a.proofs[i].dleq->e, b.proofs[i].dleq->e);
            EXPECT_EQ(a.proofs[i].dleq->s, b.proofs[i].dleq->s);
            EXPECT_EQ(a.proofs[i].dleq->r, b.proofs[i].dleq->r);
        }
    }
}

Token example(std::size_t proofs = 3)
{
    const Keyset keyset = make_keyset();
    Token token{"https://mint.example", "sat", "for you", {}};
    for (std::size_t i = 0; i < proofs; ++i) {
        Proof proof = make_proof(keyset, std::uint64_t{1} << i % 8, "secret number " + std::to_string(i));
        if (i % 2 == 0) proof.dleq = Dleq{{1}, {2}, ByteArray<32>{3}};
        if (i % 3 == 0) proof.witness = R"({"signatures":[]})";
        token.proofs.push_back(std::move(proof));
    }
    return token;
}

TEST(TokenV3, TheTokenOfNut00IsRead)
{
    const json row = vectors("nut00.json")["token_v3"];
    const auto token = parse_token(str(row["encoded"]));
    ASSERT_TRUE(token);
    EXPECT_EQ(token->mint, str(row["json"]["token"][0]["mint"]));
    EXPECT_EQ(token->unit, "sat");
    EXPECT_EQ(token->memo, str(row["json"]["memo"]));
    ASSERT_EQ(token->proofs.size(), 2U);
    EXPECT_EQ(total(token->proofs), Sat(10));
    for (std::size_t i = 0; i < 2; ++i) {
        const json& proof = row["json"]["token"][0]["proofs"][i];
        EXPECT_EQ(token->proofs[i].secret, str(proof["secret"]));
        EXPECT_EQ(token->proofs[i].c.hex(), str(proof["C"]));
        EXPECT_EQ(token->proofs[i].keyset, str(proof["id"]));
        EXPECT_EQ(token->proofs[i].amount, Sat(proof["amount"].get<std::uint64_t>()));
    }
}

TEST(TokenV3, ValidAndInvalidTokensOfNut00AreToldApart)
{
    const json row = vectors("nut00.json")["token_v3"];
    for (const json& text : row["valid"]) EXPECT_TRUE(parse_token(str(text)));
    for (const json& text : row["valid_padding_variants"]) EXPECT_TRUE(parse_token(str(text)));
    for (const json& bad : row["invalid"]) EXPECT_FALSE(parse_token(str(bad["token"]))) << bad["reason"];
}

TEST(TokenV4, TheTokensOfNut00AreRead)
{
    for (const json& row : rows("nut00.json", "token_v4")) {
        const auto token = parse_token(str(row["encoded"]));
        ASSERT_TRUE(token) << row["note"];
        EXPECT_EQ(token->mint, str(row["json"]["m"]));
        EXPECT_EQ(token->unit, str(row["json"]["u"]));
        std::size_t at = 0;
        for (const json& group : row["json"]["t"])
            for (const json& proof : group["p"]) {
                EXPECT_EQ(token->proofs[at].keyset, str(group["i"]));
                EXPECT_EQ(token->proofs[at].amount, Sat(proof["a"].get<std::uint64_t>()));
                EXPECT_EQ(token->proofs[at].secret, str(proof["s"]));
                EXPECT_EQ(token->proofs[at].c.hex(), str(proof["c"]));
                ++at;
            }
        EXPECT_EQ(at, token->proofs.size());
        expect_same(parse_token(encode_token(*token)).value(), *token);
    }
}

TEST(TokenV4, TheBinaryTokenOfNut00IsRead)
{
    const json row = vectors("nut00.json")["token_v4_raw"];
    const Bytes raw = parse_hex(str(row["hex"])).value();
    const auto token = parse_raw_token(raw);
    ASSERT_TRUE(token);
    EXPECT_EQ(token->memo, str(row["json"]["d"]));
    EXPECT_EQ(token->proofs.front().secret, str(row["json"]["t"][0]["p"][0]["s"]));
    expect_same(parse_raw_token(encode_raw_token(*token)).value(), *token);
    EXPECT_FALSE(parse_raw_token(ByteView(raw).subspan(1)));
    EXPECT_FALSE(parse_raw_token(ByteView(raw).first(raw.size() - 1)));
    EXPECT_FALSE(parse_raw_token({}));
}

TEST(Token, BothVersionsCarryWhatWasPutIn)
{
    const Token token = example();
    expect_same(parse_token(encode_token(token)).value(), token);
    expect_same(parse_token(encode_token_v3(token)).value(), token);
}

TEST(Token, PrefixesOfLinksAreTakenOff)
{
    const std::string text = encode_token(example());
    for (const char* prefix : {"cashu:", "cashu://", "web+cashu://"}) EXPECT_TRUE(parse_token(prefix + text)) << prefix;
    EXPECT_FALSE(parse_token("lightning:" + text));
    EXPECT_FALSE(parse_token(" " + text));
}

TEST(Token, TheStandardAlphabetAndPaddingAreReadToo)
{
    const Token token = example();
    const Bytes raw = encode_raw_token(token);
    expect_same(parse_token("cashuB" + encode_base64(ByteView(raw).subspan(5))).value(), token);
}

TEST(Token, LimitsOnSizeAndProofsAreKept)
{
    EXPECT_TRUE(parse_token(encode_token(example(200))));
    EXPECT_FALSE(parse_token(encode_token(example(201))));
    EXPECT_FALSE(parse_token(encode_token_v3(example(201))));
    EXPECT_TRUE(parse_token(encode_token(example(201)), {.proofs = 201}));
    const std::string text = encode_token(example(4));
    EXPECT_TRUE(parse_token(text, {.bytes = text.size()}));
    EXPECT_FALSE(parse_token(text, {.bytes = text.size() - 1}));
}

TEST(Token, AProofThatIsThereTwiceIsRefused)
{
    Token token = example(2);
    token.proofs[1] = token.proofs[0];
    EXPECT_FALSE(parse_token(encode_token(token)));
    EXPECT_FALSE(parse_token(encode_token_v3(token)));
    token.proofs[1].amount = Sat(64); // the secret is what makes it the same proof
    EXPECT_FALSE(parse_token(encode_token(token)));
}

TEST(Token, ZeroAmountsAndSumsThatDoNotFitAreRefused)
{
    Token token = example(2);
    token.proofs[0].amount = Sat(0);
    EXPECT_FALSE(parse_token(encode_token(token)));
    token.proofs[0].amount = token.proofs[1].amount = Sat(std::uint64_t{1} << 63);
    EXPECT_FALSE(parse_token(encode_token(token)));
    EXPECT_FALSE(parse_token(encode_token_v3(token)));
    token.proofs[1].amount = Sat((std::uint64_t{1} << 63) - 1);
    EXPECT_TRUE(parse_token(encode_token(token)));
    EXPECT_TRUE(parse_token(encode_token_v3(token)));
    token.proofs.clear();
    EXPECT_FALSE(parse_token(encode_token(token)));
}

std::string v3(const json& root) { return "cashuA" + encode_base64url(as_bytes(root.dump())); }

json v3_entry(const char* mint, const char* secret)
{
    return {
        {"mint", mint},
        {"proofs", {{{"amount", 1}, {"id", "00456a94ab4e1c46"}, {"secret", secret}, {"C", hash_to_curve({}).hex()}}}}};
}

TEST(TokenV3, ProofsOfTwoMintsAreRefusedAndOfOneMintInTwoEntriesAreNot)
{
    const json one = v3_entry("https://Mint.example/", "1"), two = v3_entry("https://mint.example", "2");
    EXPECT_EQ(parse_token(v3({{"token", {one, two}}})).value().proofs.size(), 2U);
    EXPECT_FALSE(parse_token(v3({{"token", {one, v3_entry("https://other.example", "2")}}})));
}

TEST(TokenV3, WithoutAUnitItIsSat)
{
    EXPECT_EQ(parse_token(v3({{"token", {v3_entry("https://m", "1")}}})).value().unit, "sat");
    EXPECT_EQ(parse_token(v3({{"token", {v3_entry("https://m", "1")}}, {"unit", "usd"}})).value().unit, "usd");
    EXPECT_FALSE(parse_token(v3({{"token", {v3_entry("https://m", "1")}}, {"unit", 1}})));
}

TEST(TokenV3, MalformedProofsAreRefused)
{
    const auto with = [](const char* key, const json& value) {
        json entry = v3_entry("https://m", "1");
        entry["proofs"][0][key] = value;
        return parse_token(v3({{"token", {entry}}}));
    };
    EXPECT_TRUE(with("unknown", "ignored"));
    EXPECT_TRUE(with("witness", nullptr));
    EXPECT_TRUE(with("dleq", nullptr));
    EXPECT_FALSE(with("id", "yjzQhxghPdrr"));
    EXPECT_FALSE(with("id", 7));
    EXPECT_FALSE(with("amount", 1.5));
    EXPECT_FALSE(with("amount", -1));
    EXPECT_FALSE(with("amount", "1"));
    EXPECT_FALSE(with("secret", 1));
    EXPECT_FALSE(with("secret", ""));
    EXPECT_FALSE(with("C", "02"));
    EXPECT_FALSE(with("witness", json::object()));
    EXPECT_FALSE(with("dleq", "x"));
    EXPECT_FALSE(with("dleq", {{"e", std::string(64, '0')}}));
    EXPECT_FALSE(with("dleq", {{"e", std::string(64, '0')}, {"s", std::string(64, '0')}, {"r", "1"}}));
}

/// A V4 token by hand, with room for what writers do differently.
Bytes by_hand(std::string_view before_m, std::string_view extra_in_proof, bool indefinite)
{
    CborWriter m, i, p;
    m.text("m");
    m.text("https://mint.example");
    m.text("u");
    m.text("sat");
    m.text("t");
    i.text("i");
    i.bytes(parse_hex("00456a94ab4e1c46").value());
    i.text("p");
    p.text("c");
    p.bytes(hash_to_curve({}).bytes());
    p.text("s");
    p.text("a secret");
    p.text("a");
    p.uint(5);

    Bytes out;
    const auto open = [&](std::uint8_t major, std::uint8_t count) {
        out.push_back(static_cast<std::uint8_t>(major << 5 | (indefinite ? 31 : count)));
    };
    const auto close = [&] {
        if (indefinite) out.push_back(0xff);
    };
    open(5, before_m.empty() ? 3 : 4);
    append(out, as_bytes(before_m));
    append(out, m.out());
    open(4, 1);
    open(5, 2);
    append(out, i.out());
    open(4, 1);
    open(5, extra_in_proof.empty() ? 3 : 4);
    append(out, p.out());
    append(out, as_bytes(extra_in_proof));
    close();
    close();
    close();
    close();
    close();
    return out;
}

Result<Token> read(const Bytes& cbor) { return parse_token("cashuB" + encode_base64url(cbor)); }

TEST(TokenV4, IndefiniteLengthsAndAnyOrderAreRead)
{
    for (const bool indefinite : {false, true}) {
        const auto token = read(by_hand("", "", indefinite));
        ASSERT_TRUE(token) << token.error().detail;
        EXPECT_EQ(token->proofs.front().amount, Sat(5));
        EXPECT_EQ(token->proofs.front().keyset, "00456a94ab4e1c46");
    }
}

TEST(TokenV4, NullUndefinedAndUnknownKeysAreAbsent)
{
    using namespace std::string_literals;
    for (const std::string& extra : {"ad\xf6"s, "ad\xf7"s, "aw\xf7"s, "bpe\x41\x02"s,
                                     "ax\x83\x01\xa1\x61y\xf5\xf9\x3c\x00"s, "az\xc1\x1a\x51\x4b\x67\xb0"s,
                                     "az\x7f\x61s\x61t\xff"s, "\x07\x01"s, "\xf6\x01"s, "az\x9f\xbf\x01\x02\xff\xff"s})
        for (const bool indefinite : {false, true}) {
            std::string fixed = extra;
            if (fixed.starts_with("a") || fixed.starts_with("b"))
                fixed[0] = static_cast<char>(fixed[0] == 'a' ? 0x61 : 0x62);
            EXPECT_TRUE(read(by_hand("", fixed, indefinite))) << encode_hex(as_bytes(extra));
            EXPECT_TRUE(read(by_hand(fixed, "", indefinite))) << encode_hex(as_bytes(extra));
        }
}

TEST(TokenV4, AKeyThatIsThereTwiceIsRefused)
{
    using namespace std::string_literals;
    EXPECT_FALSE(read(by_hand("", "\x61"s + "a\x01", false)));
    EXPECT_FALSE(read(by_hand("\x61"s + "m\x61z", "", false)));
    EXPECT_TRUE(read(by_hand("", "\x61"s + "a\xf6", false)));
}

TEST(TokenV4, WrongKindsAndLengthsAreRefused)
{
    using namespace std::string_literals;
    for (const std::string& extra : {"\x61w\x01"s, "\x61w\x41\x01"s, "\x61w\x61\xff"s, "\x61"s + "d\x01"s,
                                     "\x61"s + "d\xa0"s, "\x61"s + "d\xa1\x61\x65\x41\x01"s, "\x61z\x1c"s, "\x61z\x1f"s,
                                     "\x61z\xff"s, "\x61z\x5f\x61x\xff"s.substr(0, 3)})
        for (const bool indefinite : {false, true})
            EXPECT_FALSE(read(by_hand("", extra, indefinite))) << encode_hex(as_bytes(extra));
}

TEST(TokenV4, SomethingAfterTheTokenIsRefused)
{
    Bytes cbor = by_hand("", "", false);
    cbor.push_back(0);
    EXPECT_FALSE(read(cbor));
}

TEST(TokenV4, KeysetIdsOfOtherLengthsAreRefused)
{
    for (const std::size_t length : {0U, 7U, 9U, 32U, 33U, 34U}) {
        CborWriter cbor;
        cbor.map(3);
        cbor.text("m");
        cbor.text("https://m");
        cbor.text("u");
        cbor.text("sat");
        cbor.text("t");
        cbor.array(1);
        cbor.map(2);
        cbor.text("i");
        Bytes id(length);
        if (length == 33) id[0] = 1;
        cbor.bytes(id);
        cbor.text("p");
        cbor.array(1);
        cbor.map(3);
        cbor.text("a");
        cbor.uint(1);
        cbor.text("s");
        cbor.text("x");
        cbor.text("c");
        cbor.bytes(hash_to_curve({}).bytes());
        EXPECT_EQ(v4(cbor).has_value(), length == 33) << length;
    }
}

TEST(TokenHostile, DepthLengthsAndNoiseComeBackAsErrors)
{
    using namespace std::string_literals;
    for (const char opener : {'\x81', '\x9f', '\xa1', '\xbf', '\xc1', '\x5f', '\x7f', '\xff'}) {
        EXPECT_FALSE(read(Bytes(100'000, static_cast<std::uint8_t>(opener))));
        const std::string deep = "\x61z"s + std::string(50'000, opener);
        EXPECT_FALSE(read(by_hand(deep, "", false)));
    }
    for (const std::string& huge : {"\x9b\xff\xff\xff\xff\xff\xff\xff\xff"s, "\xbb\x80\0\0\0\0\0\0\0"s,
                                    "\x7b\xff\xff\xff\xff\xff\xff\xff\xff"s, "\x5a\xff\xff\xff\xff"s}) {
        EXPECT_FALSE(read(Bytes(huge.begin(), huge.end())));
        EXPECT_FALSE(read(by_hand("\x61t"s + huge, "", false)));
        EXPECT_FALSE(read(by_hand("\x61z"s + huge, "", false)));
    }
    EXPECT_FALSE(parse_token("cashuA" + encode_base64url(as_bytes(std::string(150'000, '[')))));
    for (const char* text :
         {"", "cashu", "cashuA", "cashuB", "cashuC", "cashuB====", "cashuB!!", "cashu:", "cashu:cashuB"})
        EXPECT_FALSE(parse_token(text)) << text;

    fakes::SeededRng rng;
    for (int i = 0; i < 2000; ++i) {
        Bytes noise(rng.below(200));
        rng.fill(noise);
        EXPECT_FALSE(read(noise));
        EXPECT_FALSE(parse_token(as_text(noise)));
    }
}

TEST(TokenHostile, MauledTokensNeverGiveAnInvalidValue)
{
    const auto check = [](const Result<Token>& token) {
        if (!token) {
            EXPECT_EQ(token.error().reason, Reason::invalid_token);
            return;
        }
        EXPECT_FALSE(token->proofs.empty());
        EXPECT_TRUE(total(token->proofs));
        EXPECT_TRUE(parse_token(encode_token(*token)));
    };
    const Bytes raw = encode_raw_token(example(2));
    maul(std::string(as_text(raw)), [&](std::string_view text) { check(parse_raw_token(as_bytes(text))); });
    const std::string text = encode_token_v3(example(1));
    const Bytes inner = parse_base64_any(text.substr(6)).value();
    maul(std::string(as_text(inner)),
         [&](std::string_view bad) { check(parse_token("cashuA" + encode_base64url(as_bytes(bad)))); });
}

TEST(TokenHostile, AnErrorNeverRepeatsTheToken)
{
    json entry = v3_entry("https://m", "a marked secret");
    entry["proofs"][0]["C"] = "a marked point";
    const auto token = parse_token(v3({{"token", {entry}}}));
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().detail.find("marked"), std::string::npos);
}

} // namespace
} // namespace adit::payments::cashu
