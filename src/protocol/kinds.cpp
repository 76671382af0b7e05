#include "protocol/kinds.h"

#include <charconv>

namespace adit::protocol {

KindClass kind_class(std::uint32_t kind)
{
    if (kind == 0 || kind == 3 || (kind >= 10000 && kind < 20000)) return KindClass::replaceable;
    if (kind >= 20000 && kind < 30000) return KindClass::ephemeral;
    if (kind >= 30000 && kind < 40000) return KindClass::addressable;
    return KindClass::regular;
}

std::optional<Coordinate> coordinate(const Event& event)
{
    switch (kind_class(event.kind)) {
    case KindClass::regular:
    case KindClass::ephemeral:
        return std::nullopt;
    case KindClass::replaceable:
        return Coordinate{.kind = event.kind, .author = event.pubkey, .d_tag = ""};
    case KindClass::addressable:
        break;
    }
    return Coordinate{.kind = event.kind,
                      .author = event.pubkey,
                      .d_tag = std::string(event.first("d").value_or(std::string_view{}))};
}

bool supersedes(const Event& event, const Event& other)
{
    if (event.created_at != other.created_at) return event.created_at > other.created_at;
    return event.id < other.id;
}

bool is_expired(const Event& event, UnixSeconds now)
{
    const auto text = event.first("expiration");
    if (!text) return false;
    std::int64_t at = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), at);
    return error == std::errc{} && end == text->data() + text->size() && now >= UnixSeconds(at);
}

} // namespace adit::protocol
