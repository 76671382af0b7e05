// operate/diagnosis.h - everything that a buyer can find out about an operator without paying, asked and judged.
#pragma once

#include "operate/listing_look.h"
#include "operate/side_by_side.h"

namespace adit::operate {

// At most 30 s for all: the relays beside each other, then all the rest beside each other.
inline constexpr Milliseconds kRelaysAnswer{8'000};
inline constexpr Milliseconds kExchange{6'000}; // one HTTP exchange
inline constexpr Milliseconds kLooksTogether{20'000};

inline constexpr std::size_t kMostRelays = 16;

/// Those that the user names must be right, and count alone; what a stranger's naddr hints at is left out where it is
/// not; else the well-known ones. Errors: bad_encoding.
Result<std::vector<nostr::RelayUrl>> relays_to_ask(const std::vector<std::string>& named,
                                                   const std::vector<std::string>& hints);

/// Asks each relay by itself, so that it is known who has what. Blocking, for kRelaysAnswer and a little.
std::vector<RelaySight> look_at_relays(const std::vector<nostr::RelayUrl>& relays, const protocol::PublicKey& author,
                                       const Clock& clock);

/// Begins what there is to ask of the operator's API, its mints and its LNURL service. `clock` must live as long as the
/// process.
void look_at_shop(SideBySide& looks, const Listed& listed, const Clock& clock);

} // namespace adit::operate
