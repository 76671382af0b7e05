// base/time.h - points and lengths of time, as they stand on the wire and in the store.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>

namespace adit {

using Seconds = std::chrono::duration<std::int64_t>;
using Milliseconds = std::chrono::duration<std::int64_t, std::milli>;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Seconds since 1970 by the wall clock. Waiting is measured on the steady clock instead.
class UnixSeconds {
public:
    constexpr UnixSeconds() = default;
    constexpr explicit UnixSeconds(std::int64_t count) : count_(count) {}
    constexpr std::int64_t count() const { return count_; }
    constexpr auto operator<=>(const UnixSeconds&) const = default;
    constexpr UnixSeconds operator+(Seconds length) const { return UnixSeconds(count_ + length.count()); }
    constexpr UnixSeconds operator-(Seconds length) const { return UnixSeconds(count_ - length.count()); }
    constexpr Seconds operator-(UnixSeconds earlier) const { return Seconds(count_ - earlier.count_); }

private:
    std::int64_t count_ = 0;
};

/// "2026-11-20T18:55:00Z", for comments in configs and for people.
std::string to_iso8601(UnixSeconds time);

} // namespace adit
