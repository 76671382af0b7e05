#include "protocol/nip13.h"

#include <bit>
#include <charconv>

namespace adit::protocol {

unsigned difficulty(const EventId& id)
{
    unsigned bits = 0;
    for (const std::uint8_t byte : id) {
        bits += static_cast<unsigned>(std::countl_zero(byte));
        if (byte != 0) break;
    }
    return bits;
}

bool has_work(const Event& event, unsigned bits)
{
    if (difficulty(event.id) < bits) return false;
    for (const Tag* const tag : event.all("nonce")) {
        if (tag->size() < 3) continue;
        const std::string& text = (*tag)[2];
        unsigned committed = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), committed);
        return error == std::errc{} && end == text.data() + text.size() && committed >= bits;
    }
    return true;
}

} // namespace adit::protocol
