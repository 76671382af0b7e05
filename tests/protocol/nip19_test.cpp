#include "protocol/nip19.h"

#include "nostr_testing.h"
#include "protocol/bech32.h"

namespace adit::protocol {
namespace {

using nlohmann::json;

void expect_nsec(const json& row)
{
    const auto key = parse_nsec(str(row["bech32"]));
    ASSERT_TRUE(key);
    EXPECT_EQ(encode_hex(key->expose()), str(row["hex"]));
    EXPECT_EQ(encode_nsec(*key), str(row["bech32"]));
}

TEST(Nip19, KeysAreReadAndWrittenAsTheVectorsSay)
{
    const json vector = vectors("nip19.json");
    for (const json& row : vector["npub"]) {
        const auto key = parse_npub(str(row["bech32"]));
        ASSERT_TRUE(key) << row;
        EXPECT_EQ(key->hex(), str(row["hex"]));
        EXPECT_EQ(encode_npub(*key), str(row["bech32"]));
    }
    for (const json& row : vector["nsec"]) expect_nsec(row);
}

TEST(Nip19, ProfilesAreReadAndWrittenAsTheVectorsSay)
{
    const json vector = vectors("nip19.json");
    for (const json& row : vector["nprofile"]) {
        const auto profile = parse_nprofile(str(row["bech32"]));
        ASSERT_TRUE(profile);
        EXPECT_EQ(profile->pubkey.hex(), str(row["pubkey"]));
        EXPECT_EQ(profile->relays, row["relays"].get<std::vector<std::string>>());
        EXPECT_EQ(encode_nprofile(*profile), str(row["bech32"]));
    }
}

TEST(Nip19, TheStringsOfTheOtherDocumentsAreReadAndWrittenBack)
{
    int seen = 0;
    const json vector = vectors("nip19.json");
    for (const json& row : vector["extra_from_other_documents"]) {
        const std::string text = str(row["bech32"]);
        ++seen;
        if (row.contains("hex")) {
            expect_nsec(row);
        } else if (text.starts_with("naddr1")) {
            const json& wanted = row["decoded_computed"];
            const auto address = parse_naddr(text);
            ASSERT_TRUE(address) << address.error().detail;
            EXPECT_EQ(address->identifier, str(wanted["identifier"]));
            EXPECT_EQ(address->relays, wanted["relays"].get<std::vector<std::string>>());
            EXPECT_EQ(address->author.hex(), str(wanted["author"]));
            EXPECT_EQ(address->kind, wanted["kind"].get<std::uint32_t>());
            EXPECT_EQ(encode_naddr(*address).value(), text);
        } else {
            const json& wanted = row["decoded_computed"];
            const auto event = parse_nevent(text);
            ASSERT_TRUE(event) << event.error().detail;
            EXPECT_EQ(encode_hex(event->id), str(wanted["id"]));
            EXPECT_EQ(event->relays, wanted["relays"].get<std::vector<std::string>>());
            EXPECT_FALSE(event->author);
            EXPECT_FALSE(event->kind);
            EXPECT_EQ(encode_nevent(*event), text);
        }
    }
    EXPECT_EQ(seen, 4);
}

TEST(Nip19, NotesAndFullEventsAndEmptyIdentifiersMakeTheRoundTrip)
{
    const EventId id = make_event({.created_at = UnixSeconds(1), .kind = 1, .tags = {}, .content = ""}).id;
    EXPECT_EQ(parse_note(encode_note(id)).value(), id);
    const Nevent event{.id = id, .relays = {"wss://a.example"}, .author = secret_key(2).public_key(), .kind = 30402};
    const auto again = parse_nevent(encode_nevent(event));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->author, event.author);
    EXPECT_EQ(again->kind, event.kind);
    const Naddr address{.identifier = "", .relays = {}, .author = secret_key(2).public_key(), .kind = 0};
    const auto same = parse_naddr(encode_naddr(address).value());
    ASSERT_TRUE(same);
    EXPECT_EQ(same->identifier, "");
    EXPECT_EQ(same->kind, 0U);
}

TEST(Nip19, AnIdentifierOver255BytesCanNotBeWrittenAndRelaysThatLongAreLeftOut)
{
    Naddr address{.identifier = std::string(255, 'd'),
                  .relays = {std::string(256, 'r'), "wss://r"},
                  .author = secret_key(1).public_key(),
                  .kind = 1};
    const auto text = encode_naddr(address);
    ASSERT_TRUE(text);
    EXPECT_EQ(parse_naddr(*text)->relays, std::vector<std::string>{"wss://r"});
    address.identifier.push_back('d');
    expect_reason(encode_naddr(address), Reason::bad_encoding);
}

TEST(Nip19, AnotherPrefixBech32mAndAnotherLengthAreRefused)
{
    const std::string npub = encode_npub(secret_key(1).public_key());
    const std::string nsec = encode_nsec(secret_key(1));
    expect_reason(parse_nsec(npub), Reason::bad_encoding);
    expect_reason(parse_npub(nsec), Reason::bad_encoding);
    const Bytes words = to_words(secret_key(1).public_key().bytes());
    ASSERT_TRUE(parse_npub(encode_bech32(Bech32Form::bech32, "npub", words)));
    expect_reason(parse_npub(encode_bech32(Bech32Form::bech32m, "npub", words)), Reason::bad_encoding);
    expect_reason(parse_npub(encode_bech32(Bech32Form::bech32, "npub", to_words(Bytes(31, 1)))), Reason::bad_encoding);
    expect_reason(parse_npub(encode_bech32(Bech32Form::bech32, "npub", to_words(Bytes(32, 0)))), Reason::bad_encoding);
    expect_reason(parse_nsec(encode_bech32(Bech32Form::bech32, "nsec", to_words(Bytes(32, 0)))), Reason::bad_encoding);
}

TEST(Nip19, ASecretInTheWrongPlaceIsNotRepeatedInTheError)
{
    const std::string nsec = encode_nsec(secret_key(9));
    const std::string start = nsec.substr(5, 8);
    for (const Error& error : {parse_npub(nsec).error(), parse_public_key(nsec).error(), parse_nsec(nsec + "q").error(),
                               parse_secret_key("nsec1" + nsec).error(), parse_naddr(nsec).error()}) {
        EXPECT_EQ(error.reason, Reason::bad_encoding);
        EXPECT_EQ(error.detail.find(start), std::string::npos) << error.detail;
    }
}

std::string with_fields(std::string_view prefix, const Bytes& fields)
{
    return encode_bech32(Bech32Form::bech32, prefix, to_words(fields));
}

TEST(Nip19, FieldsThatAreCutShortAbsentOrOfAWrongSizeAreRefused)
{
    const auto key = secret_key(1).public_key().bytes();
    Bytes good{0, 1, 'd', 2, 32};
    append(good, key);
    append(good, Bytes{3, 4, 0, 0, 0x76, 0xC2});
    ASSERT_TRUE(parse_naddr(with_fields("naddr", good)));
    EXPECT_EQ(parse_naddr(with_fields("naddr", good))->kind, 30402U);
    for (std::size_t i = 0; i < good.size(); ++i)
        expect_reason(
            parse_naddr(with_fields("naddr", Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i)))),
            Reason::bad_encoding);

    const auto with_more = [&](const Bytes& more) {
        Bytes fields = more;
        append(fields, good);
        return parse_naddr(with_fields("naddr", fields));
    };
    EXPECT_TRUE(with_more({77, 2, 1, 2})) << "unknown types are ignored";
    EXPECT_TRUE(with_more({77, 0}));
    expect_reason(with_more({3, 4, 0, 1, 0, 0}), Reason::bad_encoding);
    expect_reason(with_more({3, 3, 0, 0, 1}), Reason::bad_encoding);
    expect_reason(with_more({2, 1, 1}), Reason::bad_encoding);
    expect_reason(with_more({1, 2, 'a', '\n'}), Reason::bad_encoding);
    expect_reason(with_more({0, 1, 0xFF}), Reason::bad_encoding);
}

TEST(Nip19, RandomWordsNeverCrashAParser)
{
    fakes::SeededRng rng(3);
    for (int i = 0; i < 2000; ++i) {
        Bytes words(rng.below(120));
        for (std::uint8_t& word : words) word = static_cast<std::uint8_t>(rng.below(32));
        for (const char* const prefix : {"npub", "nsec", "note", "nprofile", "nevent", "naddr"}) {
            const std::string text = encode_bech32(Bech32Form::bech32, prefix, words);
            if (auto address = parse_naddr(text)) {
                EXPECT_TRUE(encode_naddr(*address));
            }
            if (auto event = parse_nevent(text)) {
                EXPECT_TRUE(parse_nevent(encode_nevent(*event)));
            }
            if (auto profile = parse_nprofile(text)) {
                EXPECT_TRUE(parse_nprofile(encode_nprofile(*profile)));
            }
        }
    }
}

TEST(Nip19, AConfigMayNameAKeyInHexToo)
{
    const std::string hex = secret_key(4).public_key().hex();
    EXPECT_EQ(parse_public_key(hex)->hex(), hex);
    EXPECT_EQ(parse_public_key(encode_npub(secret_key(4).public_key()))->hex(), hex);
    EXPECT_EQ(parse_secret_key(encode_hex(secret_key(4).expose()))->public_key().hex(), hex);
    EXPECT_EQ(parse_secret_key(encode_nsec(secret_key(4)))->public_key().hex(), hex);
    expect_reason(parse_secret_key(""), Reason::bad_encoding);
}

} // namespace
} // namespace adit::protocol
