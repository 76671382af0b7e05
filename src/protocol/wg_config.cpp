#include "protocol/wg_config.h"

#include "base/ascii.h"
#include "protocol/constants.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <set>

namespace adit::protocol {

namespace {

constexpr std::string_view kBlanks = " \t\r"; // files of Windows end their lines with \r\n

constexpr std::size_t kMaxText = 64 * 1024;
constexpr std::size_t kMaxList = 16;
constexpr std::uint64_t kMinMtu = 576;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// One line, and no markup for whatever shows it: the page that opens configs refuses comments with any.
std::string plain_line(std::string_view text)
{
    std::string out(text);
    std::replace_if(
        out.begin(), out.end(), [](char c) { return is_control(c) || c == '<' || c == '>'; }, ' ');
    return out;
}

std::string joined(const std::vector<std::string>& items)
{
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : ", ") + item;
    return out;
}

std::optional<std::uint64_t> number(std::string_view text, std::uint64_t least, std::uint64_t most)
{
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || stop != text.data() + text.size() || value < least || value > most) return std::nullopt;
    return value;
}

enum class Family { v4, v6 };

bool is_address(std::string_view text, Family family)
{
    const std::string copy(text); // inet_pton wants a terminator
    if (copy.size() >= INET6_ADDRSTRLEN || copy.find('\0') != std::string::npos) return false;
    ByteArray<16> out{};
    return inet_pton(family == Family::v4 ? AF_INET : AF_INET6, copy.c_str(), out.data()) == 1;
}

bool is_network(std::string_view text)
{
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view address = text.substr(0, slash);
    const bool v4 = is_address(address, Family::v4);
    if (!v4 && !is_address(address, Family::v6)) return false;
    return slash == text.size() || number(text.substr(slash + 1), 0, v4 ? 32 : 128).has_value();
}

bool is_host_name(std::string_view text)
{
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    };
    return !text.empty() && text.size() <= 253 && text.front() != '-' && text.front() != '.' &&
           std::all_of(text.begin(), text.end(), fits);
}

bool is_dns(std::string_view text)
{
    return is_address(text, Family::v4) || is_address(text, Family::v6) || is_host_name(text);
}

bool is_endpoint(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || !number(text.substr(colon + 1), 1, 65535)) return false;
    const std::string_view host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        return is_address(host.substr(1, host.size() - 2), Family::v6);
    return is_host_name(host);
}

std::optional<std::vector<std::string>> parse_list(std::string_view text, bool (*fits)(std::string_view))
{
    std::vector<std::string> out;
    while (true) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const std::string_view item = trimmed(text.substr(0, comma), kBlanks);
        if (!fits(item) || out.size() >= kMaxList) return std::nullopt;
        out.emplace_back(item);
        if (comma == text.size()) return out;
        text.remove_prefix(comma + 1);
    }
}

std::optional<WireguardSecret> parse_secret(std::string_view text)
{
    if (text.size() != 44) return std::nullopt;
    auto bytes = parse_base64(text);
    if (!bytes || bytes->size() != 32) return std::nullopt;
    WireguardSecret secret{std::span<const std::uint8_t, 32>(bytes->data(), 32)};
    sodium_memzero(bytes->data(), bytes->size());
    return secret;
}

enum class Section { none, interface, peer };

/// What has been read so far; every key is there at most once.
struct Reading {
    Section section = Section::none;
    std::set<std::string> seen; // "interface", "peer", "interface.address"…
    std::optional<WireguardSecret> private_key;
    std::vector<std::string> addresses;
    std::vector<std::string> dns;
    std::optional<std::uint16_t> mtu;
    std::optional<WireguardKey> server_key;
    std::optional<WireguardSecret> preshared_key;
    std::string endpoint;
    std::vector<std::string> allowed_ips;
    std::optional<std::uint16_t> keepalive_s;
};

bool enter(Reading& reading, std::string_view header)
{
    const std::string name = to_lower(header);
    if (name == "[interface]")
        reading.section = Section::interface;
    else if (name == "[peer]")
        reading.section = Section::peer;
    else
        return false;
    return reading.seen.insert(name).second;
}

template<typename T>
bool take(std::optional<T> value, T& into)
{
    if (!value) return false;
    into = std::move(*value);
    return true;
}

template<typename T>
bool take(std::optional<T> value, std::optional<T>& into)
{
    into = std::move(value);
    return into.has_value();
}

bool take_number(std::optional<std::uint64_t> value, std::optional<std::uint16_t>& into)
{
    if (!value) return false;
    into = static_cast<std::uint16_t>(*value);
    return true;
}

bool read_interface_key(Reading& reading, std::string_view key, std::string_view value)
{
    if (key == "privatekey") {
        // A buyer's own software leaves a place for the key, in angle brackets.
        if (value.size() > 2 && value.front() == '<' && value.back() == '>') return true;
        return take(parse_secret(value), reading.private_key);
    }
    if (key == "address") return take(parse_list(value, is_network), reading.addresses);
    if (key == "dns") return take(parse_list(value, is_dns), reading.dns);
    if (key == "mtu") return take_number(number(value, kMinMtu, 65535), reading.mtu);
    return false;
}

bool read_peer_key(Reading& reading, std::string_view key, std::string_view value)
{
    if (key == "publickey") {
        const auto parsed = WireguardKey::parse_base64(value);
        if (parsed) reading.server_key = *parsed;
        return parsed.has_value();
    }
    if (key == "presharedkey") return take(parse_secret(value), reading.preshared_key);
    if (key == "endpoint") {
        reading.endpoint = value;
        return is_endpoint(value);
    }
    if (key == "allowedips") return take(parse_list(value, is_network), reading.allowed_ips);
    if (key == "persistentkeepalive")
        return take_number(value == "off" ? std::optional<std::uint64_t>(0) : number(value, 0, 65535),
                           reading.keepalive_s);
    return false;
}

bool read_line(Reading& reading, std::string_view line)
{
    line = trimmed(line.substr(0, line.find('#')), kBlanks);
    if (line.empty()) return true;
    if (line.front() == '[') return enter(reading, line);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string key = to_lower(trimmed(line.substr(0, equals)));
    const std::string_view value = trimmed(line.substr(equals + 1));
    if (value.empty() || !reading.seen.insert(key).second) return false; // no key is in both sections
    switch (reading.section) {
    case Section::none:
        return false;
    case Section::interface:
        return read_interface_key(reading, key, value);
    case Section::peer:
        return read_peer_key(reading, key, value);
    }
    return false;
}

void add(std::string& out, std::string_view key, std::string_view value)
{
    if (!value.empty()) out.append(key).append(" = ").append(value).append("\n");
}

void add_comment(std::string& out, std::string_view key, std::string_view value)
{
    if (!value.empty()) out.append("# ").append(key).append(": ").append(plain_line(value)).append("\n");
}

std::string secret_text(const std::optional<WireguardSecret>& secret)
{
    return secret ? encode_base64(secret->expose()) : std::string();
}

} // namespace

std::string render_config(const ClientConfig& config, const ConfigComments& comments)
{
    std::string out;
    add_comment(out, "Operator", comments.operator_name);
    add_comment(out, "Listing", comments.listing);
    add_comment(out, "Tier", comments.tier);
    if (comments.expires_at) add_comment(out, "Expires", to_iso8601(*comments.expires_at));
    add_comment(out, "Duration", comments.duration);
    if (comments.quota_bytes) add_comment(out, "Quota", std::to_string(*comments.quota_bytes) + " bytes");
    add_comment(out, "Session", comments.session_url);

    out += "[Interface]\n";
    const std::string private_key = secret_text(config.private_key);
    add(out, "PrivateKey", private_key.empty() ? kPrivateKeyPlaceholder : private_key);
    add(out, "Address", joined(config.addresses));
    add(out, "DNS", joined(config.dns));
    if (config.mtu) add(out, "MTU", std::to_string(*config.mtu));
    out += "\n[Peer]\n";
    add(out, "PublicKey", config.server_key.base64());
    add(out, "PresharedKey", secret_text(config.preshared_key));
    add(out, "Endpoint", config.endpoint);
    add(out, "AllowedIPs", joined(config.allowed_ips));
    if (config.persistent_keepalive_s) add(out, "PersistentKeepalive", std::to_string(*config.persistent_keepalive_s));
    return out;
}

Result<ClientConfig> parse_config(std::string_view text)
{
    if (text.size() > kMaxText) return Error{Reason::bad_encoding, "config over 64 KiB"};
    Reading reading;
    for (std::size_t line_number = 1; !text.empty(); ++line_number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        const bool printable =
            std::none_of(line.begin(), line.end(), [](char c) { return is_control(c) && c != '\t'; });
        if (!printable || !read_line(reading, line))
            return Error{Reason::bad_encoding, "config line " + std::to_string(line_number) + " is not allowed"};
    }
    if (reading.addresses.empty()) return Error{Reason::bad_encoding, "config without Address"};
    if (!reading.server_key) return Error{Reason::bad_encoding, "config without PublicKey"};
    if (reading.endpoint.empty()) return Error{Reason::bad_encoding, "config without Endpoint"};
    if (reading.allowed_ips.empty()) return Error{Reason::bad_encoding, "config without AllowedIPs"};
    return ClientConfig{std::move(reading.private_key),
                        std::move(reading.addresses),
                        std::move(reading.dns),
                        reading.mtu,
                        *reading.server_key,
                        std::move(reading.preshared_key),
                        std::move(reading.endpoint),
                        std::move(reading.allowed_ips),
                        reading.keepalive_s};
}

std::string join_endpoint(std::string_view host, std::uint16_t port)
{
    const bool bare_v6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
    return (bare_v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + std::to_string(port);
}

} // namespace adit::protocol
