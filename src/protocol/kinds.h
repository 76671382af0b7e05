// protocol/kinds.h - event kinds by name, their classes, and the coordinates of what can be replaced. NIP-01.
#pragma once

#include "protocol/event.h"

namespace adit::protocol {

namespace kind {
inline constexpr std::uint32_t kDeletion = 5;          // NIP-09
inline constexpr std::uint32_t kSeal = 13;             // NIP-59
inline constexpr std::uint32_t kDirectMessage = 14;    // NIP-17, only ever inside a wrap
inline constexpr std::uint32_t kGiftWrap = 1059;       // NIP-59
inline constexpr std::uint32_t kEphemeralWrap = 21059; // NIP-59
inline constexpr std::uint32_t kWalletQuote = 7374;    // NIP-60
inline constexpr std::uint32_t kWalletToken = 7375;    // NIP-60
inline constexpr std::uint32_t kWalletHistory = 7376;  // NIP-60
inline constexpr std::uint32_t kRelayList = 10002;     // NIP-65
inline constexpr std::uint32_t kNutzapInfo = 10019;    // NIP-61
inline constexpr std::uint32_t kInboxRelays = 10050;   // NIP-17
inline constexpr std::uint32_t kWallet = 17375;        // NIP-60
inline constexpr std::uint32_t kRelayAuth = 22242;     // NIP-42
} // namespace kind

enum class KindClass {
    regular,     // all are kept
    replaceable, // the latest per author and kind
    ephemeral,   // not stored
    addressable, // the latest per author, kind and d
};

/// Kinds outside every range of NIP-01 are regular.
KindClass kind_class(std::uint32_t kind);

/// What an `a` tag names: "30402:<pubkey>:<d>", with an empty d "10002:<pubkey>:".
struct Coordinate {
    std::uint32_t kind;
    PublicKey author;
    std::string identifier; // may hold colons
    auto operator<=>(const Coordinate&) const = default;
};

/// Errors: bad_encoding.
Result<Coordinate> parse_coordinate(std::string_view text);
std::string encode_coordinate(const Coordinate& coordinate);
/// None for regular and ephemeral events. A missing d counts as "".
std::optional<Coordinate> coordinate(const Event& event);

/// Whether `event` wins over `other` of the same coordinate: later, or as late with the lower id.
bool supersedes(const Event& event, const Event& other);

/// NIP-40: at or after the event's `expiration`. One that is not a number never comes.
bool is_expired(const Event& event, UnixSeconds now);

} // namespace adit::protocol
