#include "devnet/bolt11.h"

#include "base/hash.h"
#include "fakes/seeded_rng.h"

#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <secp256k1_recovery.h>

namespace adit::devnet {
namespace {

using nlohmann::json;

/// A decoder that shares nothing with the writer: bits in a string, the checksum as a polynomial over GF(32) by
/// BIP-173.
struct Decoded {
    std::string hrp;
    std::string bits; // of the data without the signature
    std::string signature;
    std::string payee;
    std::map<char, std::string> fields; // payload bits
};

std::string hex_of_bits(const std::string& bits, std::size_t count)
{
    Bytes bytes;
    for (std::size_t i = 0; i + 8 <= count; i += 8)
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(bits.substr(i, 8), nullptr, 2)));
    return encode_hex(bytes);
}

Decoded decode(std::string invoice)
{
    for (char& c : invoice) c = static_cast<char>(std::tolower(c));
    const std::string alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    Decoded decoded;
    const std::size_t one = invoice.rfind('1');
    decoded.hrp = invoice.substr(0, one);
    std::vector<unsigned> values;
    for (const char c : decoded.hrp) values.push_back(static_cast<unsigned>(c) / 32);
    values.push_back(0);
    for (const char c : decoded.hrp) values.push_back(static_cast<unsigned>(c) % 32);
    std::string data;
    for (const char c : invoice.substr(one + 1)) {
        const auto value = static_cast<unsigned>(alphabet.find(c));
        values.push_back(value);
        for (unsigned bit = 16; bit > 0; bit /= 2) data += value & bit ? '1' : '0';
    }
    std::uint64_t remainder = 1;
    const std::uint64_t powers[]{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    for (const unsigned value : values) {
        const std::uint64_t carry = remainder / (1U << 25);
        remainder = remainder % (1U << 25) * 32 + 0;
        remainder ^= value;
        for (unsigned i = 0; i < 5; ++i)
            if ((carry >> i) % 2 == 1) remainder ^= powers[i];
    }
    EXPECT_EQ(remainder, 1U);
    data.resize(data.size() - 30);
    decoded.signature = data.substr(data.size() - 520);
    decoded.bits = data.substr(0, data.size() - 520);
    for (std::size_t at = 35; at + 15 <= decoded.bits.size();) {
        const char type = alphabet[std::stoul(decoded.bits.substr(at, 5), nullptr, 2)];
        const std::size_t length = 5 * std::stoul(decoded.bits.substr(at + 5, 10), nullptr, 2);
        decoded.fields.emplace(type, decoded.bits.substr(at + 15, length));
        at += 15 + length;
    }
    std::string padded = decoded.bits;
    while (padded.size() % 8 != 0) padded += '0';
    Bytes message(decoded.hrp.begin(), decoded.hrp.end());
    append(message, parse_hex(hex_of_bits(padded, padded.size())).value());
    const Sha256 digest = sha256(message);
    const Bytes compact = parse_hex(hex_of_bits(decoded.signature, 520)).value();
    secp256k1_context* const context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    secp256k1_ecdsa_recoverable_signature signature;
    secp256k1_pubkey key;
    EXPECT_EQ(secp256k1_ecdsa_recoverable_signature_parse_compact(context, &signature, compact.data(), compact[64]), 1);
    EXPECT_EQ(secp256k1_ecdsa_recover(context, &key, &signature, digest.data()), 1);
    ByteArray<33> payee{};
    std::size_t size = payee.size();
    secp256k1_ec_pubkey_serialize(context, payee.data(), &size, &key, SECP256K1_EC_COMPRESSED);
    secp256k1_context_destroy(context);
    decoded.payee = encode_hex(payee);
    return decoded;
}

json vectors()
{
    std::ifstream file(ADIT_VECTORS "/bolt11.json");
    return json::parse(file);
}

InvoiceDraft draft(std::optional<Msat> amount)
{
    fakes::SeededRng rng(7);
    return {amount, UnixSeconds(1'795'000'000), Seconds(600), rng.bytes<32>(), rng.bytes<32>(), "one hour ⚡"};
}

SecretBytes<32> key()
{
    return parse_secret_hex<32>("e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734").value();
}

TEST(Bolt11, TheTestsOwnDecoderFindsThePayeeOfEveryOfficialInvoice)
{
    const json all = vectors();
    int tried = 0;
    for (const json& example : all["valid"]) {
        SCOPED_TRACE(example["label"].get<std::string>());
        const Decoded decoded = decode(example["invoice"]);
        EXPECT_EQ(decoded.payee, example["decoded"]["payee"]);
        ++tried;
    }
    EXPECT_EQ(tried, 16);
}

TEST(Bolt11, AnInvoiceIsSignedByTheNodeAndSaysWhatTheDraftSays)
{
    const InvoiceDraft written = draft(Msat(2'500'000));
    const Decoded decoded = decode(encode_invoice(written, key()));
    EXPECT_EQ(decoded.hrp, "lnbcrt25u");
    EXPECT_EQ(decoded.payee, "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad");
    EXPECT_EQ(std::stoull(decoded.bits.substr(0, 35), nullptr, 2), 1'795'000'000U);
    EXPECT_EQ(hex_of_bits(decoded.fields.at('p'), 256), encode_hex(written.payment_hash));
    EXPECT_EQ(hex_of_bits(decoded.fields.at('s'), 256), encode_hex(written.payment_secret));
    EXPECT_EQ(decoded.fields.at('p').size(), 260U);
    EXPECT_EQ(hex_of_bits(decoded.fields.at('d'), decoded.fields.at('d').size()), encode_hex(as_bytes("one hour ⚡")));
    EXPECT_EQ(std::stoull(decoded.fields.at('x'), nullptr, 2), 600U);
    EXPECT_EQ(decoded.fields.at('9'), "100000100000000") << "bits 14 and 8";
}

TEST(Bolt11, ADescriptionHashTakesThePlaceOfTheDescription)
{
    InvoiceDraft written = draft(Msat(2'500'000));
    written.description_hash = sha256(as_bytes("metadata"));
    written.min_final_cltv_expiry_delta = 144;
    const std::string text = encode_invoice(written, key());
    const Decoded decoded = decode(text);
    EXPECT_EQ(hex_of_bits(decoded.fields.at('h'), 256), encode_hex(*written.description_hash));
    EXPECT_EQ(decoded.fields.at('h').size(), 260U);
    EXPECT_FALSE(decoded.fields.contains('d'));
    EXPECT_EQ(std::stoull(decoded.fields.at('c'), nullptr, 2), 144U);
    const auto facts = parse_invoice(text).value();
    EXPECT_EQ(facts.description_hash, written.description_hash);
    EXPECT_EQ(facts.description, "");
    EXPECT_EQ(facts.min_final_cltv_expiry_delta, 144U);
    EXPECT_EQ(facts.payment_secret, written.payment_secret);
    EXPECT_EQ(facts.payee, node_id(key()));
    EXPECT_EQ(facts.network, "bcrt");
}

TEST(Bolt11, AmountsAreWrittenWithTheShortestMultiplier)
{
    const std::pair<std::uint64_t, std::string> cases[]{
        {100'000'000'000, "lnbcrt1"}, {100'000'000, "lnbcrt1m"}, {123'000, "lnbcrt1230n"},
        {1'000, "lnbcrt10n"},         {1, "lnbcrt10p"},          {300'000, "lnbcrt3u"},
        {1'001, "lnbcrt10010p"}};
    for (const auto& [msat, hrp] : cases) {
        const std::string text = encode_invoice(draft(Msat(msat)), key());
        EXPECT_EQ(decode(text).hrp, hrp);
        EXPECT_EQ(parse_invoice(text).value().amount, Msat(msat));
    }
    EXPECT_EQ(decode(encode_invoice(draft({}), key())).hrp, "lnbcrt");
}

TEST(Bolt11, TheReaderAgreesWithEveryOfficialInvoice)
{
    const json all = vectors();
    for (const json& example : all["valid"]) {
        SCOPED_TRACE(example["label"].get<std::string>());
        const json& decoded = example["decoded"];
        const auto facts = parse_invoice(example["invoice"].get<std::string>());
        ASSERT_TRUE(facts) << facts.error().detail;
        EXPECT_EQ(facts->amount ? json(facts->amount->count()) : json(), decoded["amount_msat"]);
        EXPECT_EQ(encode_hex(facts->payment_hash), decoded["payment_hash"]);
        EXPECT_EQ(facts->timestamp.count(), decoded["timestamp"]);
        EXPECT_EQ(facts->expiry.count(), decoded["expiry"]);
        ASSERT_TRUE(facts->payee);
        EXPECT_EQ(encode_hex(*facts->payee), decoded["payee"]);
    }
}

TEST(Bolt11, DamagedInvoicesAreRefused)
{
    const std::string whole = encode_invoice(draft(Msat(1000)), key());
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_FALSE(parse_invoice(std::string_view(whole).substr(0, length))) << length;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string damaged = whole;
        damaged[at] = damaged[at] == 'q' ? 'p' : 'q';
        EXPECT_FALSE(parse_invoice(damaged)) << at;
    }
    std::string mixed = whole;
    mixed.back() = static_cast<char>(std::toupper(mixed.back()));
    mixed[20] = static_cast<char>(std::toupper(mixed[20]));
    EXPECT_FALSE(parse_invoice(mixed));
    EXPECT_FALSE(parse_invoice(std::string(100'000, 'q')));
}

} // namespace
} // namespace adit::devnet
