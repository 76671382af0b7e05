#include "payments/lightning/bolt11.h"

#include "invoice_testing.h"

#include <fstream>
#include <nlohmann/json.hpp>

namespace adit::payments::lightning {
namespace {

using nlohmann::json;

/// By value: a loop over a part of a temporary would outlive the rest.
json rows(const char* key) { return json::parse(std::ifstream(ADIT_VECTORS "/bolt11.json"))[key]; }

InvoiceDraft plain()
{
    return good_draft(test_request(), sha256(test_preimage().expose()), UnixSeconds(1'800'000'000));
}

std::optional<std::string> hex_of(const std::optional<ByteArray<32>>& bytes)
{
    if (!bytes) return std::nullopt;
    return encode_hex(*bytes);
}

std::optional<std::string> text_at(const json& row, const char* name)
{
    if (!row.contains(name)) return std::nullopt;
    return row[name].get<std::string>();
}

TEST(Bolt11Vectors, EveryValidInvoiceSaysWhatTheDocumentSays)
{
    int read = 0;
    for (const json& row : rows("valid")) {
        SCOPED_TRACE(row["label"]);
        const json& decoded = row["decoded"];
        const auto invoice = parse_bolt11(row["invoice"].get<std::string>());
        // The text of BOLT-11 has both rules, for these fields to be skipped and for them to fail: we fail.
        ASSERT_EQ(invoice.has_value(), !decoded["has_wrong_length_fields"].get<bool>());
        if (!invoice) continue;
        ++read;
        EXPECT_EQ(network_word(invoice->network), decoded["network"] == "bc" ? "bitcoin" : "testnet");
        const json& amount = decoded["amount_msat"];
        EXPECT_EQ(invoice->amount, amount.is_null() ? std::nullopt : std::optional(Msat(amount.get<std::uint64_t>())));
        EXPECT_EQ(invoice->timestamp.count(), decoded["timestamp"].get<std::int64_t>());
        EXPECT_EQ(invoice->expiry.count(), decoded["expiry"].get<std::int64_t>());
        EXPECT_EQ(invoice->expires_at() - invoice->timestamp, invoice->expiry);
        EXPECT_EQ(invoice->min_final_cltv_expiry_delta, decoded["min_final_cltv_expiry_delta"].get<std::uint64_t>());
        EXPECT_EQ(encode_hex(invoice->payment_hash), decoded["payment_hash"]);
        EXPECT_EQ(encode_hex(invoice->payment_secret), decoded["payment_secret"]);
        EXPECT_EQ(invoice->description, text_at(decoded, "description"));
        EXPECT_EQ(hex_of(invoice->description_hash), text_at(decoded, "description_hash"));
        EXPECT_EQ(encode_hex(invoice->payee), decoded["payee"]);
    }
    EXPECT_GE(read, 14);
}

TEST(Bolt11Vectors, EveryInvalidInvoiceIsRefusedAndNotRepeated)
{
    for (const json& row : rows("invalid")) {
        const auto text = row["invoice"].get<std::string>();
        const auto invoice = parse_bolt11(text);
        ASSERT_FALSE(invoice) << row["label"];
        EXPECT_EQ(invoice.error().reason, Reason::bad_encoding) << row["label"];
        EXPECT_EQ(invoice.error().detail.find(text.substr(20, 12)), std::string::npos) << row["label"];
    }
}

TEST(Bolt11, TheSchemeAndTheCaseOfAQrCodeAreTaken)
{
    std::string text = sign(plain());
    ASSERT_TRUE(parse_bolt11(text));
    EXPECT_TRUE(parse_bolt11("lightning:" + text));
    EXPECT_TRUE(parse_bolt11("LIGHTNING:" + text));
    for (char& c : text) c = static_cast<char>(std::toupper(c));
    EXPECT_TRUE(parse_bolt11(text));
    EXPECT_TRUE(parse_bolt11("lightning:" + text));
    EXPECT_FALSE(parse_bolt11("lightning:lightning:" + text));
    EXPECT_FALSE(parse_bolt11(" " + text));
    EXPECT_FALSE(parse_bolt11("lightning"));
    EXPECT_FALSE(parse_bolt11(""));
}

TEST(Bolt11, TheLongestNetworkPrefixCounts)
{
    const std::pair<const char*, Network> rows[]{{"lnbc", Network::bitcoin},   {"lntb", Network::testnet},
                                                 {"lntbs", Network::signet},   {"lnbcrt", Network::regtest},
                                                 {"lnsb", Network::simnet},    {"lnbc10m", Network::bitcoin},
                                                 {"lntbs10m", Network::signet}};
    for (const auto& [prefix, network] : rows) {
        InvoiceDraft draft = plain();
        draft.prefix = prefix;
        const auto invoice = parse_bolt11(sign(draft));
        ASSERT_TRUE(invoice) << prefix << invoice.error().detail;
        EXPECT_EQ(invoice->network, network) << prefix;
        EXPECT_EQ(invoice->payee, node_pubkey()) << prefix;
    }
    for (const char* prefix : {"ln", "lnxy", "bc", "lnurl", "lb", "lnb"}) {
        InvoiceDraft draft = plain();
        draft.prefix = prefix;
        EXPECT_FALSE(parse_bolt11(sign(draft))) << prefix;
    }
}

TEST(Bolt11, AmountsAreExactOrRefused)
{
    const std::pair<const char*, std::optional<std::uint64_t>> rows[]{
        {"1", 100'000'000'000},
        {"1m", 100'000'000},
        {"1u", 100'000},
        {"1n", 100},
        {"10p", 1},
        {"2100000000000000n", 210'000'000'000'000'000},
        {"184467440", 18'446'744'000'000'000'000U},
        {"184467441", std::nullopt}, // over 64 bits of msat
        {"18446744073709551620p", std::nullopt},
        {"184467440737095516150p", std::nullopt},
        {"99999999999999999999999999", std::nullopt},
        {"0", std::nullopt},
        {"01n", std::nullopt},
        {"0p", std::nullopt},
        {"1p", std::nullopt},
        {"15p", std::nullopt},
        {"n", std::nullopt},
        {"p", std::nullopt},
        {"1x", std::nullopt},
        {"1nn", std::nullopt},
        {"-1n", std::nullopt},
        {"1.5n", std::nullopt},
    };
    for (const auto& [text, msat] : rows) {
        InvoiceDraft draft = plain();
        draft.prefix = std::string("lnbc") + text;
        const auto invoice = parse_bolt11(sign(draft));
        ASSERT_EQ(invoice.has_value(), msat.has_value()) << text;
        if (msat) {
            EXPECT_EQ(invoice->amount, Msat(*msat)) << text;
        }
    }
}

TEST(Bolt11, FieldsThatMustBeThereAndFieldsOfAWrongLengthRefuseIt)
{
    const ByteArray<32> some{1};
    for (const std::uint8_t missing : {kP, kS, kH}) {
        InvoiceDraft draft = plain();
        std::erase_if(draft.fields, [&](const InvoiceField& field) { return field.type == missing; });
        EXPECT_FALSE(parse_bolt11(sign(draft))) << int{missing};
    }
    for (const std::uint8_t type : {kP, kS, kH, kN})
        for (const std::size_t length : {0U, 1U, 51U, 54U, 104U})
            EXPECT_FALSE(parse_bolt11(sign(plain().with_words(type, Bytes(length, 0))))) << int{type} << ' ' << length;
    EXPECT_FALSE(parse_bolt11(sign(plain().with(kD, as_bytes("and a description too")))));
    Bytes padded = protocol::to_words(some);
    padded.back() |= 1U;
    EXPECT_FALSE(parse_bolt11(sign(plain().with_words(kP, padded))));
    InvoiceDraft described = plain();
    std::erase_if(described.fields, [](const InvoiceField& field) { return field.type == kH; });
    EXPECT_FALSE(parse_bolt11(sign(InvoiceDraft(described).with(kD, ByteArray<2>{0xc0, 0xaf})))); // not UTF-8
    const auto empty = parse_bolt11(sign(InvoiceDraft(described).with(kD, {})));
    ASSERT_TRUE(empty);
    EXPECT_EQ(empty->description, "");
}

TEST(Bolt11, OfAFieldThatIsRepeatedTheFirstCounts)
{
    InvoiceDraft draft = plain();
    const auto first = parse_bolt11(sign(draft));
    draft.with(kP, ByteArray<32>{9}).with(kS, ByteArray<32>{9}).with(kH, ByteArray<32>{9}).with_words(kX, {1});
    const auto both = parse_bolt11(sign(draft));
    ASSERT_TRUE(first && both);
    EXPECT_EQ(both->payment_hash, first->payment_hash);
    EXPECT_EQ(both->payment_secret, first->payment_secret);
    EXPECT_EQ(both->description_hash, first->description_hash);
    EXPECT_EQ(both->expiry, Seconds(600));
}

TEST(Bolt11, UnknownFieldsAreSkippedAndTornOnesAreNot)
{
    EXPECT_TRUE(parse_bolt11(sign(plain().with_words(2, Bytes(1023, 31)).with_words(0, {}))));
    for (const Bytes& tail : {Bytes{2}, Bytes{2, 0}, Bytes{2, 0, 1}, Bytes{kP, 1, 20, 0}, Bytes{31, 31, 31}}) {
        InvoiceDraft draft = plain();
        draft.tail = tail;
        EXPECT_FALSE(parse_bolt11(sign(draft))) << tail.size();
    }
}

TEST(Bolt11, NumbersThatWouldOverflowRefuseIt)
{
    const auto longest = parse_bolt11(sign(plain().with_words(kC, number_words(144, 20)))); // zeros in front
    ASSERT_TRUE(longest);
    EXPECT_EQ(longest->min_final_cltv_expiry_delta, 144U);
    InvoiceDraft draft = plain();
    std::erase_if(draft.fields, [](const InvoiceField& field) { return field.type == kX; });
    const auto defaults = parse_bolt11(sign(draft));
    ASSERT_TRUE(defaults);
    EXPECT_EQ(defaults->expiry, Seconds(3600));
    draft.timestamp = (1ULL << 35U) - 1;
    const auto far = parse_bolt11(sign(InvoiceDraft(draft).with_words(kX, Bytes(12, 31))));
    ASSERT_TRUE(far);
    EXPECT_GT(far->expires_at(), far->timestamp);
    EXPECT_FALSE(parse_bolt11(sign(InvoiceDraft(draft).with_words(kX, Bytes(13, 31)))));
    EXPECT_FALSE(parse_bolt11(sign(InvoiceDraft(draft).with_words(kC, Bytes(1023, 31)))));
}

TEST(Bolt11, OnlyKnownEvenFeaturesAreTaken)
{
    for (const std::size_t bit : {8U, 14U, 16U, 48U, 9U, 15U, 17U, 99U, 149U, 0U, 2U, 24U, 100U, 262U, 5000U}) {
        Bytes words(bit / 5 + 1, 0);
        words.front() = static_cast<std::uint8_t>(1U << bit % 5);
        const bool good = bit % 2 == 1 || bit == 8 || bit == 14 || bit == 16 || bit == 48;
        EXPECT_EQ(parse_bolt11(sign(plain().with_words(kFeatures, words))).has_value(), good) << bit;
    }
}

TEST(Bolt11, ANamedPayeeMustBeTheSigner)
{
    const auto right = parse_bolt11(sign(plain().with(kN, node_pubkey())));
    ASSERT_TRUE(right);
    EXPECT_EQ(right->payee, node_pubkey());
    ByteArray<33> other = node_pubkey();
    other[0] ^= 1; // the same x, the other y
    EXPECT_FALSE(parse_bolt11(sign(plain().with(kN, other))));
    EXPECT_FALSE(parse_bolt11(sign(plain().with(kN, ByteArray<33>{2})))); // no point
    EXPECT_FALSE(parse_bolt11(sign(plain().with(kN, ByteArray<33>{}))));
}

TEST(Bolt11, AnythingChangedAfterSigningChangesThePayeeOrIsRefused)
{
    const auto parsed = protocol::parse_bech32(sign(plain()), 7089);
    ASSERT_TRUE(parsed);
    for (std::size_t i = 0; i < parsed->words.size(); ++i) {
        Bytes words = parsed->words;
        words[i] ^= 1U;
        const auto changed = parse_bolt11(protocol::encode_bech32(protocol::Bech32Form::bech32, parsed->prefix, words));
        if (changed) {
            EXPECT_NE(changed->payee, node_pubkey()) << i;
        }
    }
    EXPECT_FALSE(parse_bolt11(
        protocol::encode_bech32(protocol::Bech32Form::bech32m, parsed->prefix, parsed->words))); // another checksum
    Bytes words = parsed->words;
    words.back() = 4; // recovery ids end at 3
    EXPECT_FALSE(parse_bolt11(protocol::encode_bech32(protocol::Bech32Form::bech32, parsed->prefix, words)));
}

TEST(Bolt11, NoPartOfOneIsOne)
{
    const std::string text = sign(plain());
    for (std::size_t length = 0; length < text.size(); ++length) EXPECT_FALSE(parse_bolt11(text.substr(0, length)));
    const auto parsed = protocol::parse_bech32(text, 7089);
    ASSERT_TRUE(parsed);
    for (std::size_t count = 0; count < parsed->words.size(); ++count) {
        const Bytes words(parsed->words.begin(), parsed->words.begin() + static_cast<std::ptrdiff_t>(count));
        EXPECT_FALSE(parse_bolt11(protocol::encode_bech32(protocol::Bech32Form::bech32, parsed->prefix, words)));
    }
}

TEST(Bolt11, WhatNoQrCodeHoldsIsRefused)
{
    InvoiceDraft draft = plain();
    for (int i = 0; i < 6; ++i) draft.with_words(2, Bytes(1000, 0));
    const std::string fits = sign(draft);
    ASSERT_LE(fits.size(), 7089U);
    EXPECT_TRUE(parse_bolt11(fits));
    const std::string over = sign(draft.with_words(2, Bytes(1000, 0)));
    ASSERT_GT(over.size(), 7089U);
    EXPECT_FALSE(parse_bolt11(over));
    EXPECT_FALSE(parse_bolt11(std::string(100'000, 'q')));
}

} // namespace
} // namespace adit::payments::lightning
