#include "wg/cidr.h"

#include <algorithm>
#include <charconv>

namespace adit::wg {

namespace {

enum class Fill : std::uint8_t { zeros = 0x00, ones = 0xff };

HostAddress fill_behind(const AllowedIp& range, Fill fill)
{
    HostAddress out = range.address;
    const unsigned bits = bits_of(out.family);
    for (unsigned i = 0; i < bits / 8; ++i) {
        const unsigned kept = range.prefix <= 8 * i ? 0 : std::min(range.prefix - 8 * i, 8u);
        const auto mask = static_cast<std::uint8_t>(0xff00u >> kept);
        out.bytes[i] = static_cast<std::uint8_t>((out.bytes[i] & mask) | (static_cast<std::uint8_t>(fill) & ~mask));
    }
    return out;
}

} // namespace

Result<AllowedIp> parse_cidr(std::string_view text)
{
    const auto slash = text.find('/');
    AllowedIp out;
    out.address = TRY(HostAddress::parse(text.substr(0, slash)));
    const unsigned bits = bits_of(out.address.family);
    out.prefix = static_cast<std::uint8_t>(bits);
    if (slash == std::string_view::npos) return out;

    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.prefix);
    const bool leading_zero = digits.size() > 1 && digits.front() == '0';
    if (error != std::errc{} || end != digits.data() + digits.size() || leading_zero || out.prefix > bits)
        return Error{Reason::bad_encoding, "the prefix length must be 0 to " + std::to_string(bits)};
    return out;
}

std::string cidr_text(const AllowedIp& range) { return range.address.text() + "/" + std::to_string(range.prefix); }

HostAddress first_address(const AllowedIp& range) { return fill_behind(range, Fill::zeros); }
HostAddress last_address(const AllowedIp& range) { return fill_behind(range, Fill::ones); }

bool contains(const AllowedIp& range, const HostAddress& address)
{
    return address.family == range.address.family && first_address(range) <= address && address <= last_address(range);
}

bool overlap(const AllowedIp& a, const AllowedIp& b)
{
    return contains(a, first_address(b)) || contains(b, first_address(a));
}

} // namespace adit::wg
