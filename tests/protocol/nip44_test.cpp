#include "protocol/nip44.h"

#include "base/hash.h"
#include "nostr_testing.h"

namespace adit::protocol {
namespace {

using nlohmann::json;

ConversationKey key_of(const json& row)
{
    return std::move(parse_secret_hex<32>(str(row["conversation_key"]))).value();
}

const json& official()
{
    static const json file = vectors("nip44.vectors.json")["v2"];
    return file;
}

std::string hash_of(std::string_view text) { return encode_hex(sha256(as_bytes(text))); }

TEST(Nip44, EveryConversationKeyIsAsTheVectorsSay)
{
    int seen = 0;
    for (const json& row : official()["valid"]["get_conversation_key"]) {
        const auto secret = SecretKey::parse_hex(str(row["sec1"]));
        const auto other = PublicKey::parse_hex(str(row["pub2"]));
        ASSERT_TRUE(secret && other) << row;
        EXPECT_EQ(conversation_key(*secret, *other), key_of(row)) << row;
        ++seen;
    }
    EXPECT_EQ(seen, 35);
}

TEST(Nip44, EveryKeyPairOfTheInvalidVectorsIsRefused)
{
    for (const json& row : official()["invalid"]["get_conversation_key"])
        EXPECT_FALSE(SecretKey::parse_hex(str(row["sec1"])) && PublicKey::parse_hex(str(row["pub2"]))) << row["note"];
}

TEST(Nip44, EverySetOfMessageKeysIsAsTheVectorsSay)
{
    const json& group = official()["valid"]["get_message_keys"];
    for (const json& row : group["keys"]) {
        const auto keys = detail::message_keys(key_of(group), array<32>(str(row["nonce"])));
        EXPECT_EQ(encode_hex(keys.chacha_key.expose()), str(row["chacha_key"]));
        EXPECT_EQ(encode_hex(keys.chacha_nonce), str(row["chacha_nonce"]));
        EXPECT_EQ(encode_hex(keys.hmac_key.expose()), str(row["hmac_key"]));
    }
}

TEST(Nip44, EveryPaddedLengthIsAsTheVectorsSay)
{
    for (const json& row : official()["valid"]["calc_padded_len"])
        EXPECT_EQ(detail::padded_length(row[0].get<std::uint64_t>()), row[1].get<std::uint64_t>()) << row;
    EXPECT_EQ(detail::padded_length(1ULL << 32U), 1ULL << 32U);
}

TEST(Nip44, EveryMessageIsEncryptedAndDecryptedAsTheVectorsSay)
{
    for (const json& row : official()["valid"]["encrypt_decrypt"]) {
        const SecretKey a = SecretKey::parse_hex(str(row["sec1"])).value();
        const SecretKey b = SecretKey::parse_hex(str(row["sec2"])).value();
        const ConversationKey key = key_of(row);
        EXPECT_EQ(conversation_key(a, b.public_key()), key);
        EXPECT_EQ(conversation_key(b, a.public_key()), key);
        EXPECT_EQ(detail::nip44_encrypt_with(key, str(row["plaintext"]), array<32>(str(row["nonce"]))),
                  str(row["payload"]));
        EXPECT_EQ(nip44_decrypt(key, str(row["payload"])).value(), str(row["plaintext"]));
    }
}

TEST(Nip44, EveryLongMessageIsAsTheVectorsSay)
{
    for (const json& row : official()["valid"]["encrypt_decrypt_long_msg"]) {
        std::string plaintext;
        for (int i = 0; i < row["repeat"].get<int>(); ++i) plaintext += str(row["pattern"]);
        EXPECT_EQ(hash_of(plaintext), str(row["plaintext_sha256"]));
        const std::string payload = detail::nip44_encrypt_with(key_of(row), plaintext, array<32>(str(row["nonce"])));
        EXPECT_EQ(hash_of(payload), str(row["payload_sha256"]));
        EXPECT_EQ(nip44_decrypt(key_of(row), payload).value(), plaintext);
    }
}

TEST(Nip44, EveryLengthOfTheInvalidVectorsIsRefusedForEncryption)
{
    fakes::SeededRng rng;
    const ConversationKey key = rng.secret<32>();
    for (const json& length : official()["invalid"]["encrypt_msg_lengths"])
        expect_reason(nip44_encrypt(key, std::string(length.get<std::size_t>(), 'a'), rng), Reason::bad_encoding);
    EXPECT_TRUE(nip44_encrypt(key, std::string(65535, 'a'), rng));
}

TEST(Nip44, EveryPayloadOfTheInvalidVectorsIsRefused)
{
    for (const json& row : official()["invalid"]["decrypt"]) {
        const auto text = nip44_decrypt(key_of(row), str(row["payload"]));
        expect_reason(text, Reason::bad_encoding);
        const std::string note = str(row["note"]);
        const std::string detail = text.error().detail;
        EXPECT_EQ(note.starts_with("invalid MAC"), detail == "NIP-44: wrong MAC") << note;
        EXPECT_EQ(note.starts_with("invalid padding"), detail == "NIP-44: wrong padding") << note;
        const bool unversioned = note.starts_with("unknown") || str(row["payload"]).empty();
        EXPECT_EQ(unversioned, detail == "NIP-44: unsupported version") << note;
    }
}

TEST(Nip44, TheExtendedPrefixIsReadAsItsVectorsSay)
{
    const json file = vectors("nip44-extended-prefix.json");
    for (const json& row : file["cases"]) {
        const std::string plaintext(row["plaintext_len"].get<std::size_t>(), 'a');
        EXPECT_EQ(hash_of(plaintext), str(row["plaintext_sha256"]));
        EXPECT_EQ(detail::padded_length(plaintext.size()), row["padded_len"].get<std::uint64_t>());
        const std::string payload = detail::nip44_encrypt_with(key_of(file), plaintext, array<32>(str(file["nonce"])));
        EXPECT_EQ(hash_of(payload), str(row["payload_sha256"]));
        EXPECT_EQ(nip44_decrypt(key_of(file), payload).value(), plaintext);
    }
}

TEST(Nip44, TheExtendedFormIsReadUpToOurCapOnly)
{
    fakes::SeededRng rng;
    const ConversationKey key = rng.secret<32>();
    const auto nonce = rng.bytes<32>();
    const std::string most(kMaxNip44ExtendedPlaintext, 'x');
    EXPECT_EQ(nip44_decrypt(key, detail::nip44_encrypt_with(key, most, nonce)).value(), most);
    const auto more = nip44_decrypt(key, detail::nip44_encrypt_with(key, most + "x", nonce));
    expect_reason(more, Reason::bad_encoding);
    EXPECT_EQ(more.error().detail, "NIP-44: too long");
}

TEST(Nip44, TwoEncryptionsOfTheSameTextDiffer)
{
    fakes::SeededRng rng;
    const ConversationKey key = rng.secret<32>();
    EXPECT_NE(nip44_encrypt(key, "a", rng).value(), nip44_encrypt(key, "a", rng).value());
}

TEST(Nip44, APayloadCutShortOrChangedAnywhereIsRefusedAndNothingOfItIsRepeated)
{
    fakes::SeededRng rng;
    const ConversationKey key = rng.secret<32>();
    const std::string good = nip44_encrypt(key, "marked plaintext", rng).value();
    ASSERT_EQ(nip44_decrypt(key, good).value(), "marked plaintext");
    for (std::size_t i = 0; i < good.size(); ++i) {
        expect_reason(nip44_decrypt(key, good.substr(0, i)), Reason::bad_encoding);
        std::string changed = good;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        const auto text = nip44_decrypt(key, changed);
        expect_reason(text, Reason::bad_encoding);
        EXPECT_EQ(text.error().detail.find("marked"), std::string::npos);
    }
    const ConversationKey other = rng.secret<32>();
    expect_reason(nip44_decrypt(other, good), Reason::bad_encoding);
}

} // namespace
} // namespace adit::protocol
