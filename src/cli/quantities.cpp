#include "cli/quantities.h"

namespace adit::cli {

std::string length_text(Seconds length)
{
    const std::int64_t s = length.count();
    if (s <= 0) return "none";
    const auto part = [](std::int64_t count, const char* unit) { return std::to_string(count) + " " + unit; };
    if (s < 120) return part(s, "s");
    if (s < 7200) return part(s / 60, "min") + " " + part(s % 60, "s");
    if (s < 172800) return part(s / 3600, "h") + " " + part(s % 3600 / 60, "min");
    return part(s / 86400, "d") + " " + part(s % 86400 / 3600, "h");
}

std::string bytes_text(std::uint64_t bytes)
{
    constexpr const char* kUnits[]{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    std::size_t unit = 0;
    std::uint64_t tenths = bytes > (1ULL << 60) ? (1ULL << 60) * 10 : bytes * 10;
    while (tenths >= 10240 && unit < 5) {
        tenths /= 1024;
        ++unit;
    }
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + kUnits[unit];
}

} // namespace adit::cli
