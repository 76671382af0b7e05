// tests/protocol/nostr_testing.h - the vector files, and a few keys to sign with.
#pragma once

#include "fakes/seeded_rng.h"
#include "protocol/event.h"

#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

namespace adit::protocol {

inline std::string vector_text(const std::string& name)
{
    const std::ifstream in(std::string(ADIT_VECTORS) + "/" + name, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    EXPECT_FALSE(text.str().empty()) << name;
    return text.str();
}

inline nlohmann::json vectors(const std::string& name) { return nlohmann::json::parse(vector_text(name)); }

inline std::string str(const nlohmann::json& value) { return value.get<std::string>(); }

template<std::size_t N>
ByteArray<N> array(std::string_view hex)
{
    return parse_hex_exactly<N>(hex).value();
}

inline SecretKey secret_key(std::uint8_t number)
{
    SecretBytes<32> bytes;
    bytes.writable()[31] = number;
    return SecretKey::from_secret(std::move(bytes)).value();
}

/// Signed by secret_key(author).
inline Event make_event(EventDraft draft, std::uint8_t author = 1)
{
    fakes::SeededRng rng(author);
    return sign_event(std::move(draft), secret_key(author), rng);
}

template<typename T>
void expect_reason(const Result<T>& result, Reason reason)
{
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(static_cast<int>(result.error().reason), static_cast<int>(reason)) << result.error().detail;
}

} // namespace adit::protocol
