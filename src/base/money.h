// base/money.h - satoshis and millisatoshis, never silently each other and never a bare integer.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>

namespace adit {

/// Whole satoshis, 0 to 2^64-1. Sums and differences say when they do not fit.
class Sat {
public:
    constexpr Sat() = default;
    constexpr explicit Sat(std::uint64_t count) : count_(count) {}
    constexpr std::uint64_t count() const { return count_; }
    constexpr auto operator<=>(const Sat&) const = default;

private:
    std::uint64_t count_ = 0;
};

/// Thousandths of a satoshi.
class Msat {
public:
    constexpr Msat() = default;
    constexpr explicit Msat(std::uint64_t count) : count_(count) {}
    constexpr std::uint64_t count() const { return count_; }
    constexpr auto operator<=>(const Msat&) const = default;

private:
    std::uint64_t count_ = 0;
};

template<typename Money>
constexpr std::optional<Money> sum(Money a, Money b)
{
    if (a.count() > std::numeric_limits<std::uint64_t>::max() - b.count()) return std::nullopt;
    return Money(a.count() + b.count());
}

/// None where `b` is more than `a`.
template<typename Money>
constexpr std::optional<Money> difference(Money a, Money b)
{
    if (a < b) return std::nullopt;
    return Money(a.count() - b.count());
}

template<typename Money>
constexpr std::optional<Money> times(Money price, std::uint64_t quantity)
{
    if (quantity != 0 && price.count() > std::numeric_limits<std::uint64_t>::max() / quantity) return std::nullopt;
    return Money(price.count() * quantity);
}

constexpr std::optional<Msat> to_msat(Sat amount)
{
    const auto count = times(amount, 1000);
    if (!count) return std::nullopt;
    return Msat(count->count());
}

} // namespace adit
