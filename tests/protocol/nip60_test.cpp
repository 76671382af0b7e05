#include "protocol/nip60.h"

#include "nostr_testing.h"
#include "protocol/constants.h"
#include "protocol/json.h"
#include "protocol/nip44.h"

namespace adit::protocol {
namespace {

using nlohmann::json;

constexpr UnixSeconds kWalletNow{1700000000};
constexpr const char* kMint = "https://mint.example/Bitcoin";

WalletProof proof(int number)
{
    return WalletProof{.id = "009a1f293253e41e",
                       .amount = 1ULL << (number % 20),
                       .secret = "secret \"" + std::to_string(number) + "\"",
                       .c = "02" + std::string(64, 'a')};
}

std::string plaintext(const EventDraft& draft, std::uint8_t author = 1)
{
    const SecretKey key = secret_key(author);
    return nip44_decrypt(conversation_key(key, key.public_key()), draft.content).value();
}

Event encrypted_event(std::uint32_t kind, const std::string& text, std::uint8_t author = 1)
{
    fakes::SeededRng rng;
    const SecretKey key = secret_key(author);
    return make_event({.created_at = kWalletNow,
                       .kind = kind,
                       .tags = {},
                       .content = nip44_encrypt(conversation_key(key, key.public_key()), text, rng).value()},
                      author);
}

WalletContent wallet_content()
{
    WalletContent content;
    content.privkeys.push_back(secret_key(21));
    content.privkeys.push_back(secret_key(22));
    content.mints = {kMint, "https://other.example"};
    return content;
}

TEST(Nip60, AWalletIsWrittenAsTagsAndReadBack)
{
    fakes::SeededRng rng;
    const auto draft = wallet_draft(wallet_content(), secret_key(1), kWalletNow, rng);
    ASSERT_TRUE(draft);
    EXPECT_EQ(draft->kind, 17375U);
    EXPECT_TRUE(draft->tags.empty());
    const std::vector<Tag> wanted{{"privkey", encode_hex(secret_key(21).expose())},
                                  {"privkey", encode_hex(secret_key(22).expose())},
                                  {"mint", kMint},
                                  {"mint", "https://other.example"}};
    EXPECT_EQ(json::parse(plaintext(*draft)).get<std::vector<Tag>>(), wanted);
    const auto wallet = open_wallet(make_event(*draft), secret_key(1));
    ASSERT_TRUE(wallet);
    ASSERT_EQ(wallet->privkeys.size(), 2U);
    EXPECT_EQ(wallet->privkeys[0].public_key(), secret_key(21).public_key());
    EXPECT_EQ(wallet->mints, wallet_content().mints);
}

TEST(Nip60, ATokenKeepsEveryPartOfItsProofs)
{
    fakes::SeededRng rng;
    TokenContent content{.mint = kMint, .unit = "sat", .proofs = {proof(1), proof(2)}, .del = {EventId{1}, EventId{2}}};
    content.proofs[0].witness = R"({"signatures":["00"]})";
    content.proofs[0].dleq = WalletDleq{.e = "e1", .s = "s1", .r = "r1"};
    content.proofs[1].dleq = WalletDleq{.e = "e2", .s = "s2", .r = std::nullopt};
    content.proofs[1].amount = UINT64_MAX;
    const auto draft = token_draft(content, secret_key(1), kWalletNow, rng);
    ASSERT_TRUE(draft);
    EXPECT_EQ(draft->kind, 7375U);
    EXPECT_TRUE(draft->tags.empty());
    const json object = json::parse(plaintext(*draft));
    EXPECT_EQ(object["mint"], kMint);
    EXPECT_EQ(object["proofs"][0]["C"], content.proofs[0].c);
    EXPECT_EQ(object["proofs"][0]["dleq"]["r"], "r1");
    EXPECT_FALSE(object["proofs"][1]["dleq"].contains("r"));
    EXPECT_FALSE(object["proofs"][1].contains("witness"));
    EXPECT_EQ(object["del"][1], encode_hex(EventId{2}));

    const auto token = open_token(make_event(*draft), secret_key(1));
    ASSERT_TRUE(token);
    EXPECT_EQ(encode_token_content(*token), encode_token_content(content));
    EXPECT_EQ(token->proofs[1].amount, UINT64_MAX);
    EXPECT_EQ(token->del, content.del);
}

TEST(Nip60, OthersTokensWithoutUnitOrDelAndWithAnUnquotedWitnessAreRead)
{
    const auto token = parse_token_content(
        R"({"mint":"m","proofs":[{"id":"i","amount":8,"secret":"s","C":"c","witness":{"signatures":["x"]},"dleq":null,"new":1}],"del":["x",5]})");
    ASSERT_TRUE(token) << token.error().detail;
    EXPECT_EQ(token->unit, "sat");
    EXPECT_EQ(token->proofs[0].witness, R"({"signatures":["x"]})");
    EXPECT_FALSE(token->proofs[0].dleq);
    EXPECT_TRUE(token->del.empty());
}

TEST(Nip60, AMalformedTokenIsRefusedWhole)
{
    for (const char* const text :
         {"", "[]", "{}", R"({"mint":"m"})", R"({"proofs":[]})", R"({"mint":5,"proofs":[]})",
          R"({"mint":"m","proofs":{}})", R"({"mint":"m","proofs":[5]})", R"({"mint":"m","proofs":[{}]})",
          R"({"mint":"m","proofs":[{"id":"i","amount":-1,"secret":"s","C":"c"}]})",
          R"({"mint":"m","proofs":[{"id":"i","amount":1.5,"secret":"s","C":"c"}]})",
          R"({"mint":"m","proofs":[{"id":"i","amount":"1","secret":"s","C":"c"}]})",
          R"({"mint":"m","proofs":[{"id":"i","amount":1,"secret":5,"C":"c"}]})",
          R"({"mint":"m","proofs":[{"id":"i","amount":18446744073709551616,"secret":"s","C":"c"}]})"})
        expect_reason(parse_token_content(text), Reason::bad_encoding);
    expect_reason(parse_token_content(R"({"mint":"m","proofs":)" + std::string(100000, '[')), Reason::bad_encoding);
}

TEST(Nip60, AWalletWithAKeyThatCanNotBeReadIsRefusedSinceReplacingItWouldLoseTheKey)
{
    EXPECT_TRUE(parse_wallet_content(R"([["mint","m"],["privkey",""],["other","x"],["short"],5,["a",1]])"));
    const auto wallet = parse_wallet_content(R"([["privkey","nsec1marked"]])");
    expect_reason(wallet, Reason::bad_encoding);
    EXPECT_EQ(wallet.error().detail.find("marked"), std::string::npos);
    for (const char* const text : {"", "{}", "null", "5"})
        expect_reason(parse_wallet_content(text), Reason::bad_encoding);
}

TEST(Nip60, HistoryKeepsRedeemedOnesInPlainTagsAndTheRestEncrypted)
{
    fakes::SeededRng rng;
    const HistoryContent content{.direction = HistoryDirection::out,
                                 .amount = 21,
                                 .unit = "sat",
                                 .references = {{EventId{1}, "wss://r", HistoryMark::created},
                                                {EventId{2}, "", HistoryMark::destroyed},
                                                {EventId{3}, "", HistoryMark::redeemed}}};
    const auto draft = history_draft(content, secret_key(1), kWalletNow, rng);
    ASSERT_TRUE(draft);
    EXPECT_EQ(draft->kind, 7376U);
    EXPECT_EQ(draft->tags, (std::vector<Tag>{{"e", encode_hex(EventId{3}), "", "redeemed"}}));
    EXPECT_EQ(json::parse(plaintext(*draft))[1], (json{"amount", "21"}));
    const auto again = open_history(make_event(*draft), secret_key(1));
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->direction, HistoryDirection::out);
    EXPECT_EQ(again->amount, 21U);
    ASSERT_EQ(again->references.size(), 3U);
    EXPECT_EQ(again->references[0].relay, "wss://r");
    EXPECT_EQ(again->references[1].mark, HistoryMark::destroyed);
    EXPECT_EQ(again->references[2].id, EventId{3});
}

TEST(Nip60, HistoryWithoutDirectionOrAmountIsRefused)
{
    for (const char* const text :
         {"{}", "[]", R"([["direction","in"]])", R"([["amount","5"]])", R"([["direction","up"],["amount","5"]])",
          R"([["direction","in"],["amount","-5"]])", R"([["direction","in"],["amount","5.0"]])"})
        expect_reason(open_history(encrypted_event(kKindSpending, text), secret_key(1)), Reason::bad_encoding);
}

TEST(Nip60, OnlyTheAuthorsOwnEventsOfTheRightKindAreOpened)
{
    fakes::SeededRng rng;
    const Event event = make_event(wallet_draft(wallet_content(), secret_key(1), kWalletNow, rng).value(), 1);
    ASSERT_TRUE(open_wallet(event, secret_key(1)));
    expect_reason(open_wallet(event, secret_key(2)), Reason::bad_signature);
    expect_reason(open_token(event, secret_key(1)), Reason::wrong_kind);
    Event foreign = event;
    foreign.pubkey = secret_key(2).public_key();
    expect_reason(open_wallet(foreign, secret_key(2)), Reason::bad_encoding);
}

TEST(Nip60, NutzapInfoIsReadBackAndOthersPrefixedKeysAreTaken)
{
    const NutzapInfo info{.relays = {"wss://r"}, .mints = {kMint}, .pubkey = secret_key(21).public_key()};
    const EventDraft draft = nutzap_info_draft(info, kWalletNow);
    EXPECT_EQ(draft.kind, 10019U);
    EXPECT_EQ(draft.tags,
              (std::vector<Tag>{{"relay", "wss://r"}, {"mint", kMint, "sat"}, {"pubkey", info.pubkey.hex()}}));
    const auto again = parse_nutzap_info(make_event(draft));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->mints, info.mints);
    EXPECT_EQ(again->pubkey, info.pubkey);

    EventDraft other = draft;
    other.tags = {{"mint", "a", "usd"},
                  {"mint", "b", "usd", "sat"},
                  {"mint", "c"},
                  {"mint"},
                  {"pubkey", "02" + info.pubkey.hex()}};
    EXPECT_EQ(parse_nutzap_info(make_event(other))->mints, (std::vector<std::string>{"b", "c"}));
    EXPECT_EQ(parse_nutzap_info(make_event(other))->pubkey, info.pubkey);
    other.tags.pop_back();
    expect_reason(parse_nutzap_info(make_event(other)), Reason::bad_encoding);
    other.kind = 1;
    expect_reason(parse_nutzap_info(make_event(other)), Reason::wrong_kind);
}

TokenContent many_proofs(int count)
{
    TokenContent content{.mint = kMint, .unit = "sat", .proofs = {}, .del = {EventId{7}, EventId{8}}};
    for (int i = 0; i < count; ++i) content.proofs.push_back(proof(i));
    return content;
}

TEST(Nip60, ALargeTokenIsSplitWithoutLosingAProofAndOnlyTheLastPartReplaces)
{
    const auto parts = split_token(many_proofs(700));
    ASSERT_TRUE(parts);
    ASSERT_GT(parts->size(), 2U);
    int next = 0;
    for (const TokenContent& part : *parts) {
        EXPECT_LE(encode_token_content(part).size(), kMaxTokenPlaintext);
        EXPECT_EQ(part.mint, kMint);
        EXPECT_EQ(part.del.empty(), &part != &parts->back());
        for (const WalletProof& held : part.proofs) EXPECT_EQ(held.secret, proof(next++).secret);
    }
    EXPECT_EQ(next, 700);
    EXPECT_EQ(parts->back().del, many_proofs(0).del);
    for (std::size_t i = 0; i + 1 < parts->size(); ++i)
        EXPECT_GT(encode_token_content((*parts)[i]).size(), kMaxTokenPlaintext - 200) << "parts are filled";
}

TEST(Nip60, ASmallTokenStaysWholeAndTheRoomForDelIsCounted)
{
    EXPECT_EQ(split_token(many_proofs(3))->size(), 1U);
    EXPECT_EQ(split_token(TokenContent{.mint = kMint, .proofs = {}})->size(), 1U);
    for (std::size_t max = 300; max < 900; ++max) {
        const auto parts = split_token(many_proofs(5), max);
        ASSERT_TRUE(parts) << max;
        std::size_t proofs = 0;
        for (const TokenContent& part : *parts) {
            EXPECT_LE(encode_token_content(part).size(), max);
            proofs += part.proofs.size();
        }
        EXPECT_EQ(proofs, 5U);
    }
}

TEST(Nip60, AProofOrAListOfReplacedEventsThatFitsNowhereIsAnError)
{
    TokenContent content = many_proofs(2);
    content.proofs[1].secret = std::string(kMaxTokenPlaintext, 's');
    expect_reason(split_token(std::move(content)), Reason::bad_encoding);
    TokenContent del = many_proofs(1);
    del.del.resize(600);
    expect_reason(split_token(std::move(del)), Reason::bad_encoding);
    fakes::SeededRng rng;
    expect_reason(token_draft(many_proofs(2000), secret_key(1), kWalletNow, rng), Reason::bad_encoding);
}

TEST(Nip60, ASplitPartFitsARelaysMessageOf64KiB)
{
    fakes::SeededRng rng;
    const auto parts = split_token(many_proofs(700));
    const Event event = make_event(token_draft(parts->front(), secret_key(1), kWalletNow, rng).value());
    EXPECT_LT(encode_event(event).size(), 65536U - 100U);
}

TEST(Nip60, TokensCutShortOrOfRandomBytesAreRefused)
{
    fakes::SeededRng rng(2);
    const std::string good = encode_token_content(many_proofs(2));
    ASSERT_TRUE(parse_token_content(good));
    for (std::size_t i = 0; i < good.size(); ++i)
        expect_reason(parse_token_content(good.substr(0, i)), Reason::bad_encoding);
    for (int i = 0; i < 300; ++i) {
        std::string changed = good;
        changed[rng.below(changed.size())] = static_cast<char>(rng.below(256));
        if (const auto token = parse_token_content(changed)) {
            EXPECT_LE(token->proofs.size(), 2U);
        }
    }
}

} // namespace
} // namespace adit::protocol
