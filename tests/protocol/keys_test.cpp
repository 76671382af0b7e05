#include "protocol/keys.h"

#include "nostr_testing.h"

#include <thread>

namespace adit::protocol {
namespace {

/// Gives out exactly what it was given, as a vector's auxiliary randomness.
class FixedRng : public Rng {
public:
    explicit FixedRng(Bytes bytes) : bytes_(std::move(bytes)) {}
    void fill(std::span<std::uint8_t> out) override
    {
        CHECK(out.size() == bytes_.size());
        std::copy(bytes_.begin(), bytes_.end(), out.begin());
    }

private:
    Bytes bytes_;
};

struct Row {
    std::string index, secret, key, aux, message, signature, result;
};

std::vector<Row> bip340_rows()
{
    std::istringstream lines(vector_text("bip340-test-vectors.csv"));
    std::string line;
    std::getline(lines, line); // the names of the columns
    std::vector<Row> rows;
    while (std::getline(lines, line)) {
        std::istringstream cells(line);
        Row& row = rows.emplace_back();
        for (std::string* const cell :
             {&row.index, &row.secret, &row.key, &row.aux, &row.message, &row.signature, &row.result})
            std::getline(cells, *cell, ',');
    }
    return rows;
}

std::vector<Row> rows_of_32_byte_messages()
{
    std::vector<Row> rows = bip340_rows();
    std::erase_if(rows, [](const Row& row) { return row.message.size() != 64; });
    return rows;
}

ByteArray<32> bytes_32(const std::string& hex)
{
    ByteArray<32> out{};
    const Bytes bytes = parse_hex(hex).value();
    EXPECT_EQ(bytes.size(), 32U);
    std::copy_n(bytes.begin(), 32, out.begin());
    return out;
}

class Bip340 : public testing::TestWithParam<Row> {};

TEST_P(Bip340, VerifiesAsTheRowSays)
{
    const Row& row = GetParam();
    const auto key = PublicKey::from_bytes(parse_hex(row.key).value());
    Signature signature{};
    const Bytes bytes = parse_hex(row.signature).value();
    std::copy_n(bytes.begin(), 64, signature.begin());
    const bool good = key.has_value() && verify(*key, bytes_32(row.message), signature);
    EXPECT_EQ(good, row.result == "TRUE");
}

TEST_P(Bip340, SignsAsTheRowSaysWhereItHasASecret)
{
    const Row& row = GetParam();
    if (row.secret.empty()) return;
    const auto secret = SecretKey::parse_hex(row.secret);
    ASSERT_TRUE(secret);
    EXPECT_EQ(encode_hex(secret->public_key().bytes()), encode_hex(parse_hex(row.key).value()));
    FixedRng aux(parse_hex(row.aux).value());
    EXPECT_EQ(encode_hex(sign(*secret, bytes_32(row.message), aux)), encode_hex(parse_hex(row.signature).value()));
}

INSTANTIATE_TEST_SUITE_P(Rows, Bip340, testing::ValuesIn(rows_of_32_byte_messages()),
                         [](const auto& row) { return "Row" + row.param.index; });

TEST(Keys, OnlyTheFourVectorsWithMessagesOfOtherLengthsAreLeftOutSinceNostrSigns32Bytes)
{
    EXPECT_EQ(bip340_rows().size(), 19U);
    EXPECT_EQ(rows_of_32_byte_messages().size(), 15U);
}

TEST(Keys, PublicKeyTakesLowercaseHexOnly)
{
    const std::string hex = secret_key(1).public_key().hex();
    ASSERT_TRUE(PublicKey::parse_hex(hex));
    EXPECT_EQ(PublicKey::parse_hex(hex)->hex(), hex);
    std::string upper = hex;
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    expect_reason(PublicKey::parse_hex(upper), Reason::bad_encoding);
    expect_reason(PublicKey::parse_hex("02" + hex), Reason::bad_encoding);
    expect_reason(PublicKey::parse_hex(hex.substr(1)), Reason::bad_encoding);
    expect_reason(PublicKey::parse_hex(""), Reason::bad_encoding);
    expect_reason(PublicKey::parse_hex(std::string(64, '0')), Reason::bad_encoding); // 0^3+7 has no root
}

TEST(Keys, SecretKeyMustLieInTheGroupAndErrorsDoNotRepeatIt)
{
    const std::string order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    for (const std::string& hex : {order, std::string(64, '0'), std::string(64, 'f'), std::string("secret"),
                                   order.substr(0, 62), std::string(64, 'g')}) {
        const auto key = SecretKey::parse_hex(hex);
        expect_reason(key, Reason::bad_encoding);
        EXPECT_EQ(key.error().detail.find(hex), std::string::npos);
    }
    EXPECT_TRUE(SecretKey::parse_hex(order.substr(0, 63) + "0"));
    EXPECT_TRUE(SecretKey::parse_hex("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364140"));
}

TEST(Keys, GeneratedKeysSignAndDifferAndADuplicateIsTheSameKey)
{
    fakes::SeededRng rng;
    const SecretKey a = SecretKey::generate(rng);
    const SecretKey b = SecretKey::generate(rng);
    EXPECT_NE(a.public_key(), b.public_key());
    EXPECT_EQ(a.public_key(), a.duplicate().public_key());
    const ByteArray<32> message{1, 2, 3};
    const Signature signature = sign(a, message, rng);
    EXPECT_TRUE(verify(a.public_key(), message, signature));
    EXPECT_FALSE(verify(b.public_key(), message, signature));
    EXPECT_FALSE(verify(a.public_key(), ByteArray<32>{1, 2, 4}, signature));
    EXPECT_NE(signature, sign(a, message, rng)) << "the auxiliary randomness must be fresh";
}

TEST(Keys, SharedXIsTheSameFromBothEndsAndIsNotHashed)
{
    EXPECT_EQ(shared_x(secret_key(3), secret_key(5).public_key()), shared_x(secret_key(5), secret_key(3).public_key()));
    // With the secret 1 it is the other's x itself.
    const PublicKey other = secret_key(7).public_key();
    EXPECT_EQ(encode_hex(shared_x(secret_key(1), other).expose()), other.hex());
}

TEST(Keys, TheContextServesManyThreadsAtOnce)
{
    std::vector<std::thread> threads;
    std::array<bool, 4> good{};
    for (std::size_t i = 0; i < good.size(); ++i)
        threads.emplace_back([&good, i] {
            fakes::SeededRng rng(i);
            const SecretKey key = SecretKey::generate(rng);
            const ByteArray<32> message = rng.bytes<32>();
            good[i] = verify(key.public_key(), message, sign(key, message, rng));
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(good, (std::array<bool, 4>{true, true, true, true}));
}

} // namespace
} // namespace adit::protocol
