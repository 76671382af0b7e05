#include "session/tier.h"

#include <array>
#include <limits>

namespace adit::session {

std::optional<GrantSize> grant_of(protocol::Unit unit, std::uint64_t quantity)
{
    const std::uint64_t size = protocol::unit_size(unit);
    if (quantity > std::numeric_limits<std::uint64_t>::max() / size) return std::nullopt;
    return GrantSize{protocol::dimension(unit), quantity * size};
}

std::string describe(const protocol::Tier& tier, std::uint64_t quantity)
{
    std::string text = std::to_string(tier.price.count()) + " sat/" + std::string(protocol::unit_word(tier.unit));
    if (quantity != 1) text += " x " + std::to_string(quantity);
    return text;
}

Result<protocol::Tier> tier_of(const protocol::Price& price, std::size_t index)
{
    auto tiers = protocol::sellable_tiers(std::array{price});
    if (tiers.empty()) return Error{Reason::price_mismatch, "the price can not be sold"};
    tiers.front().index = index;
    return tiers.front();
}

} // namespace adit::session
