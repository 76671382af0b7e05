#include "wg/uapi_message.h"

#include "wg/cidr.h"

#include <charconv>
#include <optional>

namespace adit::wg::uapi {

namespace {

constexpr std::string_view kEnd = "\n\n";

void append_hex(WipedText& out, ByteView bytes)
{
    static constexpr std::string_view kDigits = "0123456789abcdef";
    for (const std::uint8_t byte : bytes) {
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
}

void append_change(WipedText& out, const PeerChange& change)
{
    const auto* put = std::get_if<PeerPut>(&change);
    out += "public_key=";
    append_hex(out, put != nullptr ? put->key.bytes() : std::get<PeerRemove>(change).key.bytes());
    if (put == nullptr) {
        out += "\nremove=true\n";
        return;
    }
    out += "\npreshared_key=";
    static constexpr ByteArray<32> kNoKey{};
    append_hex(out, put->preshared_key ? ByteView(put->preshared_key->expose()) : kNoKey);
    out += "\nreplace_allowed_ips=true\n";
    for (const HostAddress& address : put->addresses) {
        out += "allowed_ip=";
        out += address.text();
        out += address.family == HostAddress::Family::v4 ? "/32\n" : "/128\n";
    }
}

Error malformed(std::string_view key)
{
    return Error{Reason::device_unavailable, "malformed UAPI answer: " + std::string(key.substr(0, 40))};
}

struct Line {
    std::string_view key;
    std::string_view value;
};

/// Takes the next "key=value\n" off `rest`; none if it is no such line.
std::optional<Line> next_line(std::string_view& rest)
{
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = rest.substr(0, end);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(end + 1);
    return Line{line.substr(0, equals), line.substr(equals + 1)};
}

template<std::integral Number>
Result<Number> number(const Line& line)
{
    Number out{};
    const char* last = line.value.data() + line.value.size();
    const auto [end, error] = std::from_chars(line.value.data(), last, out);
    if (error != std::errc{} || end != last) return malformed(line.key);
    return out;
}

Result<protocol::WireguardKey> public_key(const Line& line)
{
    const auto bytes = parse_hex_exactly<32>(line.value);
    if (!bytes) return malformed(line.key);
    return protocol::WireguardKey(*bytes);
}

Result<void> check_errno(const Line& line)
{
    const auto code = TRY(number<std::int64_t>(line));
    if (code != 0) return Error{Reason::device_unavailable, "UAPI errno " + std::to_string(code)};
    return {};
}

Result<void> read_peer_line(PeerStatus& peer, const Line& line)
{
    if (line.key == "allowed_ip") {
        const auto range = parse_cidr(line.value);
        if (!range) return malformed(line.key);
        peer.allowed_ips.push_back(*range);
    } else if (line.key == "rx_bytes") {
        peer.received_bytes = TRY(number<std::uint64_t>(line));
    } else if (line.key == "tx_bytes") {
        peer.sent_bytes = TRY(number<std::uint64_t>(line));
    } else if (line.key == "last_handshake_time_sec") {
        const auto seconds = TRY(number<std::int64_t>(line));
        if (seconds > 0) peer.last_handshake = UnixSeconds(seconds);
    }
    return {};
}

} // namespace

WipedText encode_set(std::span<const PeerChange> changes)
{
    WipedText out;
    out.reserve(64 + changes.size() * 272);
    out += "set=1\n";
    for (const PeerChange& change : changes) append_change(out, change);
    out += "\n";
    return out;
}

WipedText encode_configure(const DeviceSettings& settings)
{
    WipedText out;
    out.reserve(128);
    out += "set=1\nprivate_key=";
    append_hex(out, settings.private_key.expose());
    out += "\nlisten_port=";
    out += std::to_string(settings.listen_port);
    out += "\n\n";
    return out;
}

bool is_complete(std::string_view answer, std::size_t from)
{
    const std::size_t start = from > kEnd.size() ? from - kEnd.size() : 0;
    return answer.find(kEnd, start) != std::string_view::npos;
}

Result<void> parse_set_answer(std::string_view answer)
{
    const auto line = next_line(answer);
    if (!line || line->key != "errno" || answer != "\n") return malformed("set");
    return check_errno(*line);
}

Result<DeviceStatus> parse_get_answer(std::string_view answer)
{
    DeviceStatus out;
    bool ended = false;
    while (const auto line = next_line(answer)) {
        if (ended) return malformed("after errno");
        if (line->key == "errno") {
            TRY(check_errno(*line));
            ended = true;
        } else if (line->key == "public_key") {
            out.peers.push_back(PeerStatus{TRY(public_key(*line)), {}, 0, 0, std::nullopt});
        } else if (!out.peers.empty()) {
            TRY(read_peer_line(out.peers.back(), *line));
        } else if (line->key == "private_key") {
            auto secret = parse_secret_hex<32>(line->value);
            if (!secret) return malformed(line->key);
            if (*secret != protocol::WireguardSecret()) out.public_key = protocol::wireguard_public_key(*secret);
        } else if (line->key == "listen_port") {
            out.listen_port = TRY(number<std::uint16_t>(*line));
        }
    }
    if (!ended || answer != "\n") return malformed("get");
    return out;
}

} // namespace adit::wg::uapi
