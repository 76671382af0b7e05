#include "protocol/bech32.h"

#include <algorithm>
#include <array>

namespace adit::protocol {

namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksumWords = 6;
constexpr std::size_t kMaxPrefix = 83;
constexpr std::uint8_t kNoWord = 0xFF;

constexpr std::array<std::uint8_t, 128> kWordOf = [] {
    std::array<std::uint8_t, 128> table{};
    table.fill(kNoWord);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i)
        table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
    return table;
}();

constexpr std::uint32_t target(Bech32Form form)
{
    switch (form) {
    case Bech32Form::bech32:
        return 1;
    case Bech32Form::bech32m:
        return 0x2bc830a3;
    }
    return 0;
}

/// The code's remainder, fed word by word.
class Checksum {
public:
    void add(std::uint32_t word)
    {
        static constexpr std::array<std::uint32_t, 5> kGenerator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                                                 0x2a1462b3};
        const std::uint32_t top = value_ >> 25U;
        value_ = (value_ & 0x1ffffffU) << 5U ^ word;
        for (std::size_t i = 0; i < kGenerator.size(); ++i)
            if ((top >> i & 1U) != 0) value_ ^= kGenerator[i];
    }
    void add_prefix(std::string_view prefix)
    {
        for (const char c : prefix) add(static_cast<unsigned char>(c) >> 5U);
        add(0);
        for (const char c : prefix) add(static_cast<unsigned char>(c) & 31U);
    }
    std::uint32_t value() const { return value_; }

private:
    std::uint32_t value_ = 1;
};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

} // namespace

Result<Bech32> parse_bech32(std::string_view text, std::size_t max_characters)
{
    if (text.size() > max_characters) return Error{Reason::bad_encoding, "bech32: too long"};
    if (std::any_of(text.begin(), text.end(), [](char c) { return c < 33 || c > 126; }))
        return Error{Reason::bad_encoding, "bech32: a character that is not printable ASCII"};
    if (std::any_of(text.begin(), text.end(), is_upper) && std::any_of(text.begin(), text.end(), is_lower))
        return Error{Reason::bad_encoding, "bech32: mixed case"};
    const std::size_t separator = text.rfind('1');
    if (separator == std::string_view::npos || separator == 0 || separator > kMaxPrefix ||
        text.size() - separator - 1 < kChecksumWords)
        return Error{Reason::bad_encoding, "bech32: no prefix, or too short"};

    std::string lower(text);
    for (char& c : lower)
        if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
    Bech32 out{.form = Bech32Form::bech32, .prefix = lower.substr(0, separator), .words = {}};
    Checksum checksum;
    checksum.add_prefix(out.prefix);
    out.words.reserve(text.size() - separator - 1);
    for (std::size_t i = separator + 1; i < lower.size(); ++i) {
        const std::uint8_t word = kWordOf[static_cast<unsigned char>(lower[i])];
        if (word == kNoWord) return Error{Reason::bad_encoding, "bech32: a character outside the alphabet"};
        checksum.add(word);
        out.words.push_back(word);
    }
    if (checksum.value() == target(Bech32Form::bech32m))
        out.form = Bech32Form::bech32m;
    else if (checksum.value() != target(Bech32Form::bech32))
        return Error{Reason::bad_encoding, "bech32: wrong checksum"};
    out.words.resize(out.words.size() - kChecksumWords);
    return out;
}

std::string encode_bech32(Bech32Form form, std::string_view prefix, ByteView words)
{
    CHECK(!prefix.empty() && prefix.size() <= kMaxPrefix);
    CHECK(std::all_of(prefix.begin(), prefix.end(), [](char c) { return c >= 33 && c <= 126 && !is_upper(c); }));
    Checksum checksum;
    checksum.add_prefix(prefix);
    std::string out(prefix);
    out.reserve(prefix.size() + 1 + words.size() + kChecksumWords);
    out.push_back('1');
    for (const std::uint8_t word : words) {
        CHECK(word < 32);
        checksum.add(word);
        out.push_back(kAlphabet[word]);
    }
    for (std::size_t i = 0; i < kChecksumWords; ++i) checksum.add(0);
    const std::uint32_t closing = checksum.value() ^ target(form);
    for (std::size_t i = 0; i < kChecksumWords; ++i)
        out.push_back(kAlphabet[closing >> 5U * (kChecksumWords - 1 - i) & 31U]);
    return out;
}

Bytes to_words(ByteView bytes)
{
    Bytes words;
    words.reserve((bytes.size() * 8 + 4) / 5);
    std::uint32_t pending = 0;
    unsigned bits = 0;
    for (const std::uint8_t byte : bytes) {
        pending = (pending << 8U | byte) & 0xFFFU;
        for (bits += 8; bits >= 5; bits -= 5) words.push_back(static_cast<std::uint8_t>(pending >> (bits - 5) & 31U));
    }
    if (bits > 0) words.push_back(static_cast<std::uint8_t>(pending << (5 - bits) & 31U));
    return words;
}

Result<Bytes> from_words(ByteView words)
{
    Bytes bytes;
    bytes.reserve(words.size() * 5 / 8);
    std::uint32_t pending = 0;
    unsigned bits = 0;
    for (const std::uint8_t word : words) {
        CHECK(word < 32);
        pending = (pending << 5U | word) & 0xFFFU;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            bytes.push_back(static_cast<std::uint8_t>(pending >> bits & 0xFFU));
        }
    }
    if (bits >= 5 || (pending & ((1U << bits) - 1)) != 0)
        return Error{Reason::bad_encoding, "bech32: padding that is not there for a reason"};
    return bytes;
}

} // namespace adit::protocol
