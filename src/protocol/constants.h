// protocol/constants.h - every number that a document fixes, once, with its unit and where it comes from.
#pragma once

#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace adit::protocol {

// Event kinds.
inline constexpr std::uint32_t kKindDeletion = 5;              // NIP-09
inline constexpr std::uint32_t kKindSeal = 13;                 // NIP-59
inline constexpr std::uint32_t kKindPrivateMessage = 14;       // NIP-17
inline constexpr std::uint32_t kKindGiftWrap = 1059;           // NIP-59
inline constexpr std::uint32_t kKindEphemeralGiftWrap = 21059; // NIP-59
inline constexpr std::uint32_t kKindTokens = 7375;             // NIP-60: unspent proofs
inline constexpr std::uint32_t kKindSpending = 7376;           // NIP-60: history
inline constexpr std::uint32_t kKindNutzap = 9321;             // NIP-61
inline constexpr std::uint32_t kKindRelayList = 10002;         // NIP-65
inline constexpr std::uint32_t kKindNutzapInfo = 10019;        // NIP-61
inline constexpr std::uint32_t kKindWallet = 17375;            // NIP-60
inline constexpr std::uint32_t kKindRelayAuth = 22242;         // NIP-42
inline constexpr std::uint32_t kKindRequestAuth = 24242;       // BUD-11, and the purchase auth made after it
inline constexpr std::uint32_t kKindListing = 30402;           // NIP-99
inline constexpr std::uint32_t kKindListingDraft = 30403;      // NIP-99
inline constexpr std::uint32_t kKindDmRelays = 10050;          // NIP-17

// Words of the marketplace. spec: Listing, Purchase auth
inline constexpr std::string_view kSpecVersion = "vpn-marketplace/1";
inline constexpr std::string_view kMarketplaceTag = "europa-protocol";
inline constexpr std::string_view kLegacyMarketplaceTag = "vpn-marketplace"; // listings before 0.7
inline constexpr std::string_view kPurchaseAction = "vpn-purchase";
inline constexpr std::string_view kCloseAction = "vpn-close";
inline constexpr std::string_view kProtocolWireguard = "wireguard";
inline constexpr std::string_view kProtocolOpenvpn = "openvpn";
// The reference's own words: buyers' software looks for them.
inline constexpr std::string_view kPrivateKeyPlaceholder = "<PASTE YOUR OWN PRIVATE KEY HERE>";

// HTTP. spec: HTTP API
inline constexpr std::size_t kMaxHeaderBytes = 256 * 1024; // all request headers together
inline constexpr std::size_t kMaxBodyBytes = 16 * 1024;
inline constexpr Seconds kConnectionIdle{10}; // a connection without progress is closed
inline constexpr Seconds kCorsMaxAge{86400};

// Purchase auth. spec: Purchase auth
inline constexpr std::size_t kMaxAuthHeaderBytes = 32 * 1024; // the Authorization value, base64 included
inline constexpr Seconds kAuthMaxAhead{24 * 3600};            // of `expiration` over now
inline constexpr Seconds kAuthClockSkew{60};                  // of `created_at` over now
inline constexpr Seconds kAuthLifetime{300};                  // what our own buyer writes

// Tokens. spec: Purchase with Cashu
inline constexpr std::size_t kMaxProofs = 200;        // in one purchase
inline constexpr Seconds kLocktimeMargin{60};         // a locktime closer than this is too close
inline constexpr Seconds kChangeLocktime{90 * 86400}; // after which change and refunds come back to us

// The journal. spec: Journal
inline constexpr Seconds kClaimable{30 * 86400};        // a redeemed purchase waits this long for its buyer
inline constexpr Seconds kSwapAddressHold{30};          // an unknown swap keeps its address this long
inline constexpr Seconds kOwedAfter{3600};              // an unknown swap is shown as owed after this
inline constexpr Seconds kActivationDeadline{600};      // default of [sessions].activation_deadline
inline constexpr std::uint64_t kAddressesPerSource = 3; // held by unknown swaps or unpaid invoices of one source

// Invoices. spec: Purchase with Lightning
inline constexpr Seconds kInvoiceExpiry{600};
inline constexpr std::size_t kMaxInvoiceLength = 7089;      // characters of a bolt11; what a QR code holds
inline constexpr std::uint64_t kLnurlCommentAllowed = 1024; // characters: a purchase with refund key has some 400
inline constexpr std::uint32_t kHoldBlocksLeast = 24;       // a held payment nearer to its timeout is cancelled

// Sessions. spec: Sessions, time and data
inline constexpr Seconds kDataLapse{30 * 86400};         // of a data grant
inline constexpr Seconds kMaxSession{5LL * 365 * 86400}; // of expires_at over now
inline constexpr std::uint64_t kMaxQuotaBytes = 1ULL << 60;
inline constexpr Seconds kAddressRest{300}; // before a freed address is given out again
inline constexpr Seconds kReconcileEvery{30};
inline constexpr Seconds kClockStep{60};          // of the wall clock against the steady one
inline constexpr Seconds kClockStepHolds{300};    // before such a step is believed
inline constexpr std::uint16_t kKeepalive_s = 25; // PersistentKeepalive in delivered configs

// Listings. spec: Listing
inline constexpr Seconds kListingRefresh{3600};
inline constexpr Seconds kListingStale{30 * 86400};

} // namespace adit::protocol
