#include "cashu_testing.h"
#include "payments/cashu/cbor.h"
#include "payments/cashu/nut18.h"
#include "payments/cashu/nut20.h"

namespace adit::payments::cashu {
namespace {

std::optional<std::string> text_of(const json& row, const char* key)
{
    return row.contains(key) && row[key].is_string() ? std::optional(str(row[key])) : std::nullopt;
}

void expect_is(const PaymentRequest& request, const json& row)
{
    EXPECT_EQ(request.id, text_of(row, "i"));
    EXPECT_EQ(request.amount, row.contains("a") ? std::optional(Sat(row["a"].get<std::uint64_t>())) : std::nullopt);
    EXPECT_EQ(request.unit, text_of(row, "u"));
    EXPECT_EQ(request.single_use, row.contains("s") ? std::optional(row["s"].get<bool>()) : std::nullopt);
    EXPECT_EQ(request.description, text_of(row, "d"));
    EXPECT_EQ(request.mints, row.value("m", std::vector<std::string>()));
    const json transports = row.value("t", json::array());
    ASSERT_EQ(request.transports.size(), transports.size());
    for (std::size_t i = 0; i < transports.size(); ++i) {
        EXPECT_EQ(request.transports[i].type, str(transports[i]["t"]));
        EXPECT_EQ(request.transports[i].target, str(transports[i]["a"]));
        if (transports[i].contains("g") && transports[i]["g"].is_array())
            EXPECT_EQ(request.transports[i].tags, transports[i]["g"].get<std::vector<SecretTag>>());
        else
            EXPECT_TRUE(request.transports[i].tags.empty());
    }
    ASSERT_EQ(request.lock.has_value(), row.contains("nut10"));
    if (request.lock) {
        EXPECT_EQ(request.lock->kind, str(row["nut10"]["k"]));
        EXPECT_EQ(request.lock->data, str(row["nut10"]["d"]));
        EXPECT_EQ(request.lock->tags, row["nut10"]["t"].get<std::vector<SecretTag>>());
    }
}

TEST(Nut18, EveryRequestOfTheVectorsIsReadAndWrittenAgain)
{
    const json file = vectors("nut18.json");
    for (const json& row : file["cases"]) {
        SCOPED_TRACE(row["case"].dump());
        const auto request = parse_payment_request(str(row["encoded"]));
        ASSERT_TRUE(request);
        expect_is(*request, row["decoded_cbor"]);
        if (row["matches_json"] == true) expect_is(*request, row["request"]);
        const auto again = parse_payment_request(encode_payment_request(*request));
        ASSERT_TRUE(again);
        expect_is(*again, row["decoded_cbor"]);
    }
    EXPECT_EQ(file["cases"].size(), 6U);
}

TEST(Nut18, HostileRequestsAreRefused)
{
    for (const std::string& text : {std::string(), std::string("creqA"), std::string("creqB"), std::string("creqA!"),
                                    "creqA" + std::string(20'000, 'A'), "creqA" + encode_base64url(Bytes(1000, 0x81)),
                                    "creqA" + encode_base64url(Bytes(1000, 0xbf))})
        EXPECT_FALSE(parse_payment_request(text));
    CborWriter amount_only;
    amount_only.map(1);
    amount_only.text("a");
    amount_only.uint(1);
    EXPECT_FALSE(parse_payment_request("creqA" + encode_base64url(amount_only.out())));

    const PaymentRequest request{
        "id", Sat(7), "sat", true, {"https://m"}, "d", {{"post", "u", {{"n", "17"}}}}, {{"P2PK", "02", {{"a"}}}}};
    const Bytes cbor = parse_base64_any(encode_payment_request(request).substr(5)).value();
    maul(std::string(as_text(cbor)), [](std::string_view bad) {
        const auto parsed = parse_payment_request("creqA" + encode_base64url(as_bytes(bad)));
        if (parsed) {
            EXPECT_TRUE(parse_payment_request(encode_payment_request(*parsed)));
        }
    });
}

std::vector<BlindedMessage> outputs_of(const json& rows)
{
    std::vector<BlindedMessage> outputs;
    for (const json& row : rows)
        outputs.push_back({row.value("id", ""), Sat(row["amount"].get<std::uint64_t>()), point(row["B_"])});
    return outputs;
}

TEST(Nut20, TheLegacyVectorsHold)
{
    const json file = vectors("nut20.json")["legacy"];
    const Point key = point(file["pubkey"]);
    const auto check = [&](const json& row) {
        return verify_mint_quote(QuoteMessage::legacy, str(row["quote"]), outputs_of(row["outputs"]), key,
                                 hex<64>(row["signature"]));
    };
    EXPECT_TRUE(check(file["valid"]));
    EXPECT_FALSE(check(file["invalid"]));
    const Bytes message =
        mint_quote_message(QuoteMessage::legacy, str(file["valid"]["quote"]), outputs_of(file["valid"]["outputs"]));
    EXPECT_EQ(message, file["msg_bytes"].get<Bytes>());
}

TEST(Nut20, TheAmendedVectorsHold)
{
    int seen = 0;
    for (const json& row : rows("nut20.json", "amended")) {
        const auto outputs = outputs_of(row["outputs"]);
        EXPECT_EQ(encode_hex(mint_quote_message(QuoteMessage::amended, str(row["quote"]), outputs)),
                  str(row["msg_hex"]));
        EXPECT_TRUE(verify_mint_quote(QuoteMessage::amended, str(row["quote"]), outputs, point(row["pubkey"]),
                                      hex<64>(row["signature"])));
        EXPECT_FALSE(verify_mint_quote(QuoteMessage::legacy, str(row["quote"]), outputs, point(row["pubkey"]),
                                       hex<64>(row["signature"])));
        ++seen;
    }
    EXPECT_GE(seen, 2);
}

TEST(Nut20, WhatIsSignedVerifiesForThisQuoteAndTheseOutputsOnly)
{
    fakes::SeededRng rng;
    const auto key = secret_key(5);
    std::vector<BlindedMessage> outputs{{"00", Sat(0), hash_to_curve(as_bytes("a"))},
                                        {"00", Sat(256), hash_to_curve(as_bytes("b"))}};
    for (const QuoteMessage form : {QuoteMessage::amended, QuoteMessage::legacy}) {
        const auto signature = sign_mint_quote(form, "quote", outputs, key, rng);
        const Point pubkey = even_point(key.public_key());
        EXPECT_TRUE(verify_mint_quote(form, "quote", outputs, pubkey, signature));
        EXPECT_FALSE(verify_mint_quote(form, "quot", outputs, pubkey, signature));
        EXPECT_FALSE(verify_mint_quote(form, "quote", std::span(outputs).first(1), pubkey, signature));
    }
}

} // namespace
} // namespace adit::payments::cashu
