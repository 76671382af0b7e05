#include "protocol/nip59.h"

#include "nostr_testing.h"
#include "protocol/constants.h"
#include "protocol/nip19.h"
#include "protocol/nip44.h"

namespace adit::protocol {
namespace {

using nlohmann::json;

constexpr UnixSeconds kWrapNow{1700000000};

TEST(Nip59, TheVectorsWrapOpensToItsRumor)
{
    const json vector = vectors("nip59.json");
    const SecretKey recipient = SecretKey::parse_hex(str(vector["recipient_sk"])).value();
    const auto wrap = parse_event(vector["wrap"]);
    ASSERT_TRUE(wrap);
    const auto rumor = open_gift_wrap(*wrap, recipient);
    ASSERT_TRUE(rumor) << rumor.error().detail;
    EXPECT_EQ(encode_hex(rumor->id), str(vector["rumor"]["id"]));
    EXPECT_EQ(rumor->author.hex(), str(vector["rumor"]["pubkey"]));
    EXPECT_EQ(rumor->event.content, str(vector["rumor"]["content"]));
    EXPECT_EQ(rumor->event.kind, vector["rumor"]["kind"].get<std::uint32_t>());
    EXPECT_EQ(rumor->event.created_at.count(), vector["rumor"]["created_at"].get<std::int64_t>());
    EXPECT_EQ(rumor->author, SecretKey::parse_hex(str(vector["author_sk"]))->public_key());
    EXPECT_EQ(wrap->pubkey, SecretKey::parse_hex(str(vector["wrapper_sk"]))->public_key());
}

TEST(Nip59, TheVectorsSealIsWhatItsWrapHolds)
{
    const json vector = vectors("nip59.json");
    const SecretKey recipient = SecretKey::parse_hex(str(vector["recipient_sk"])).value();
    const auto wrap = parse_event(vector["wrap"]);
    const auto text = nip44_decrypt(conversation_key(recipient, wrap->pubkey), wrap->content);
    ASSERT_TRUE(text);
    EXPECT_EQ(parse_event(*text)->id, parse_event(vector["seal"])->id);
}

TEST(Nip59, BothWrapsOfNip17OpenToTheSameMessage)
{
    const json vector = vectors("nip17.json");
    const SecretKey sender = parse_nsec(str(vector["sender_nsec"])).value();
    const SecretKey receiver = parse_nsec(str(vector["receiver_nsec"])).value();
    const auto received = open_gift_wrap(parse_event(vector["wrap_to_receiver"]).value(), receiver);
    const auto kept = open_gift_wrap(parse_event(vector["wrap_to_sender"]).value(), sender);
    ASSERT_TRUE(received) << received.error().detail;
    ASSERT_TRUE(kept) << kept.error().detail;
    EXPECT_EQ(received->event.content, str(vector["content"]));
    EXPECT_EQ(received->event.kind, kKindPrivateMessage);
    EXPECT_EQ(received->author, sender.public_key());
    EXPECT_EQ(received->id, kept->id);
    expect_reason(open_gift_wrap(parse_event(vector["wrap_to_receiver"]).value(), sender), Reason::bad_encoding);
}

Rumor hello(std::uint8_t author = 1)
{
    const std::vector<PublicKey> receivers{secret_key(2).public_key(), secret_key(3).public_key()};
    return make_rumor(secret_key(author).public_key(), direct_message(receivers, "hello\n\"you\"", kWrapNow));
}

TEST(Nip59, WhatIsWrappedForOneOpensForThatOneOnly)
{
    fakes::SeededRng rng;
    const auto wrap = seal_and_wrap(hello(), secret_key(1), secret_key(2).public_key(), kWrapNow, rng);
    ASSERT_TRUE(wrap);
    const auto rumor = open_gift_wrap(*wrap, secret_key(2));
    ASSERT_TRUE(rumor) << rumor.error().detail;
    EXPECT_EQ(rumor->id, hello().id);
    EXPECT_EQ(rumor->event.tags, hello().event.tags);
    EXPECT_EQ(rumor->event.content, "hello\n\"you\"");
    EXPECT_EQ(rumor->event.created_at, kWrapNow);
    expect_reason(open_gift_wrap(*wrap, secret_key(3)), Reason::bad_encoding);
}

TEST(Nip59, TheWrapTellsNeitherAuthorNorTimeAndTheSealHasNoTags)
{
    fakes::SeededRng rng;
    bool earlier = false;
    for (int i = 0; i < 20; ++i) {
        const auto sealed = seal(hello(), secret_key(1), secret_key(2).public_key(), kWrapNow, rng);
        ASSERT_TRUE(sealed);
        EXPECT_TRUE(sealed->tags.empty());
        EXPECT_EQ(sealed->kind, kKindSeal);
        const auto wrap = gift_wrap(*sealed, secret_key(2).public_key(), kWrapNow, rng, {{"expiration", "5"}});
        ASSERT_TRUE(wrap);
        EXPECT_NE(wrap->pubkey, secret_key(1).public_key());
        EXPECT_EQ(wrap->tags, (std::vector<Tag>{{"p", secret_key(2).public_key().hex()}, {"expiration", "5"}}));
        for (const UnixSeconds at : {sealed->created_at, wrap->created_at}) {
            EXPECT_LE(at, kWrapNow);
            EXPECT_GE(at, kWrapNow - kMaxBackdating);
            earlier |= at < kWrapNow - Seconds(3600);
        }
        EXPECT_NE(sealed->created_at, wrap->created_at);
    }
    EXPECT_TRUE(earlier);
}

/// A wrap by a stranger around any text, for secret_key(2).
Event wrap_text(const std::string& text, std::uint32_t kind = kKindGiftWrap)
{
    fakes::SeededRng rng;
    const PublicKey to = secret_key(2).public_key();
    return make_event({.created_at = kWrapNow,
                       .kind = kind,
                       .tags = {{"p", to.hex()}},
                       .content = nip44_encrypt(conversation_key(secret_key(9), to), text, rng).value()},
                      9);
}
Event seal_text(const std::string& text, std::uint32_t kind = kKindSeal, std::vector<Tag> tags = {})
{
    fakes::SeededRng rng;
    return make_event(
        {.created_at = kWrapNow,
         .kind = kind,
         .tags = std::move(tags),
         .content = nip44_encrypt(conversation_key(secret_key(1), secret_key(2).public_key()), text, rng).value()},
        1);
}
json rumor_json(std::uint8_t author)
{
    json object =
        json::parse(encode_event(make_event({.created_at = kWrapNow, .kind = 14, .tags = {}, .content = "x"}, author)));
    object.erase("sig");
    return object;
}

TEST(Nip59, ARumorOfAnotherThanItsSealsAuthorIsAForgery)
{
    ASSERT_TRUE(open_gift_wrap(wrap_text(encode_event(seal_text(rumor_json(1).dump()))), secret_key(2)));
    expect_reason(open_gift_wrap(wrap_text(encode_event(seal_text(rumor_json(3).dump()))), secret_key(2)),
                  Reason::bad_signature);
}

TEST(Nip59, ASealWithTagsAndARumorWithASignatureOrAWrongIdAreTolerated)
{
    json object = rumor_json(1);
    const std::string id = object["id"];
    object["id"] = 5;
    object["sig"] = "whatever";
    const Event sealed = seal_text(object.dump(), kKindSeal, {{"expiration", "99"}});
    const auto rumor = open_gift_wrap(wrap_text(encode_event(sealed), kKindEphemeralGiftWrap), secret_key(2));
    ASSERT_TRUE(rumor) << rumor.error().detail;
    EXPECT_EQ(encode_hex(rumor->id), id);
}

TEST(Nip59, BrokenLayersAreRefusedOneByOne)
{
    const auto open = [](const Event& wrap) { return open_gift_wrap(wrap, secret_key(2)); };
    const Event good_seal = seal_text(rumor_json(1).dump());

    Event wrap = wrap_text(encode_event(good_seal));
    wrap.sig[0] ^= 1U;
    expect_reason(open(wrap), Reason::bad_signature);
    expect_reason(open(wrap_text(encode_event(good_seal), 1)), Reason::wrong_kind);

    Event bad_seal = good_seal;
    bad_seal.sig[0] ^= 1U;
    expect_reason(open(wrap_text(encode_event(bad_seal))), Reason::bad_signature);
    expect_reason(open(wrap_text(encode_event(seal_text(rumor_json(1).dump(), 14)))), Reason::wrong_kind);

    for (const std::string& text : std::vector<std::string>{"x", "null", "[]", "{}", "\"a\"", "5",
                                                            std::string(5000, '['), R"({"id":"","kind":14})"}) {
        expect_reason(open(wrap_text(text)), Reason::bad_encoding);
        expect_reason(open(wrap_text(encode_event(seal_text(text)))), Reason::bad_encoding);
    }
}

TEST(Nip59, AMessageTooLongForNip44IsRefusedNotTruncated)
{
    fakes::SeededRng rng;
    const PublicKey to = secret_key(2).public_key();
    for (const std::size_t length : {50000U, 70000U}) { // the one fits the seal but not the wrap around it
        const Rumor rumor =
            make_rumor(secret_key(1).public_key(),
                       {.created_at = kWrapNow, .kind = 14, .tags = {}, .content = std::string(length, 'a')});
        expect_reason(seal_and_wrap(rumor, secret_key(1), to, kWrapNow, rng), Reason::bad_encoding);
    }
}

} // namespace
} // namespace adit::protocol
