// protocol/filter.h - what a subscription asks for. NIP-01.
#pragma once

#include "protocol/event.h"

#include <map>

namespace adit::protocol {

/// All that is there must hold; of a list one member. A list that is there and empty matches nothing.
struct Filter {
    std::optional<std::vector<EventId>> ids = {};
    std::optional<std::vector<PublicKey>> authors = {};
    std::optional<std::vector<std::uint32_t>> kinds = {};
    std::map<char, std::vector<std::string>> tags = {}; // by the letter after '#': a-z, A-Z
    std::optional<UnixSeconds> since = {};              // and later
    std::optional<UnixSeconds> until = {};              // and earlier
    std::optional<std::uint32_t> limit = {};            // of stored events, newest first; does not matter to matches()
};

/// Looks at the first value of each tag only. Does not know about expiration or deletion.
bool matches(const Filter& filter, const Event& event);
bool matches_any(std::span<const Filter> filters, const Event& event);

std::string encode_filter(const Filter& filter);
/// Unknown keys are ignored. An author that is not on the curve can match nothing and is left out of the list.
/// Errors: bad_encoding.
Result<Filter> parse_filter(const nlohmann::json& object);

} // namespace adit::protocol
