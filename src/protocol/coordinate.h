// protocol/coordinate.h - the name of an event that later ones replace. NIP-01.
#pragma once

#include "protocol/keys.h"

#include <string>

namespace adit::protocol {

/// What an `a` tag says: "30402:<pubkey>:<d>"; where there is no d, "10002:<pubkey>:".
struct Coordinate {
    std::uint32_t kind = 0; // 0..65535
    PublicKey author;
    std::string d_tag; // may contain colons
    auto operator<=>(const Coordinate&) const = default;
};

std::string encode_coordinate(const Coordinate& coordinate);
/// Split on the first two colons only. Errors: bad_encoding.
Result<Coordinate> parse_coordinate(std::string_view text);

} // namespace adit::protocol
