#include "protocol/coordinate.h"

#include <charconv>

namespace adit::protocol {

std::string encode_coordinate(const Coordinate& coordinate)
{
    return std::to_string(coordinate.kind) + ":" + coordinate.author.hex() + ":" + coordinate.d_tag;
}

Result<Coordinate> parse_coordinate(std::string_view text)
{
    const Error malformed{Reason::bad_encoding, "not <kind>:<pubkey>:<d>"};
    const std::size_t first = text.find(':');
    if (first == std::string_view::npos) return malformed;
    const std::size_t second = text.find(':', first + 1);
    if (second == std::string_view::npos) return malformed;

    std::uint16_t kind = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + first, kind);
    if (error != std::errc{} || end != text.data() + first) return malformed;
    const PublicKey author = TRY(PublicKey::parse_hex(text.substr(first + 1, second - first - 1)));
    return Coordinate{.kind = kind, .author = author, .d_tag = std::string(text.substr(second + 1))};
}

} // namespace adit::protocol
