// wg/netlink_codec.h - netlink messages and attributes as bytes, bounds-checked. netlink(7).
#pragma once

#include "base/bytes.h"
#include "wg/wiped_bytes.h"

#include <concepts>
#include <cstring>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <optional>

namespace adit::wg::netlink {

/// Everything on a netlink socket starts at a multiple of four bytes.
inline constexpr std::size_t align(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

/// Integers are in the host's order.
template<std::integral Number>
std::optional<Number> read_number(ByteView bytes)
{
    if (bytes.size() < sizeof(Number)) return std::nullopt;
    Number out;
    std::memcpy(&out, bytes.data(), sizeof out);
    return out;
}

struct Attribute {
    std::uint16_t type; // without the nested and byte order flags
    ByteView payload;
};

/// Takes the first attribute off `rest`; none when it is used up, and `rest` is left non-empty if it is malformed.
inline std::optional<Attribute> next_attribute(ByteView& rest)
{
    nlattr header;
    if (rest.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > rest.size()) return std::nullopt;
    const Attribute out{static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
                        rest.subspan(sizeof header, header.nla_len - sizeof header)};
    rest = rest.subspan(std::min(rest.size(), align(header.nla_len)));
    return out;
}

struct Message {
    nlmsghdr header;
    ByteView payload;
};

/// As next_attribute, for the messages of one datagram.
inline std::optional<Message> next_message(ByteView& rest)
{
    nlmsghdr header;
    if (rest.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) return std::nullopt;
    const Message out{header, rest.subspan(sizeof header, header.nlmsg_len - sizeof header)};
    rest = rest.subspan(std::min(rest.size(), align(header.nlmsg_len)));
    return out;
}

/// Builds one message. Nests are closed in the reverse order of their opening; finish() writes the length.
class Writer {
public:
    Writer(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence)
    {
        const nlmsghdr header{0, type, flags, sequence, 0};
        append_raw(header);
    }
    template<typename Header>
    void append_raw(const Header& header)
    {
        append_bytes({reinterpret_cast<const std::uint8_t*>(&header), sizeof header});
    }
    void attribute(std::uint16_t type, ByteView payload)
    {
        const nlattr header{static_cast<std::uint16_t>(sizeof(nlattr) + payload.size()), type};
        append_raw(header);
        append_bytes(payload);
    }
    template<std::integral Number>
    void number(std::uint16_t type, Number value)
    {
        attribute(type, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
    }
    void text(std::uint16_t type, std::string_view value) // with its final NUL
    {
        Bytes bytes(value.begin(), value.end());
        bytes.push_back(0);
        attribute(type, bytes);
    }
    std::size_t open_nest(std::uint16_t type)
    {
        const std::size_t at = out_.size();
        attribute(static_cast<std::uint16_t>(type | NLA_F_NESTED), {});
        return at;
    }
    void close_nest(std::size_t at)
    {
        CHECK(out_.size() - at <= UINT16_MAX);
        const auto length = static_cast<std::uint16_t>(out_.size() - at);
        std::memcpy(out_.data() + at, &length, sizeof length);
    }
    std::size_t size() const { return out_.size(); }
    WipedBytes finish() &&
    {
        const auto length = static_cast<std::uint32_t>(out_.size());
        std::memcpy(out_.data(), &length, sizeof length);
        return std::move(out_);
    }

private:
    void append_bytes(ByteView bytes)
    {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
        out_.resize(align(out_.size()));
    }
    WipedBytes out_;
};

} // namespace adit::wg::netlink
