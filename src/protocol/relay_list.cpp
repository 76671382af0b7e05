#include "protocol/relay_list.h"

#include "base/ascii.h"
#include "protocol/constants.h"

#include <algorithm>
#include <charconv>

namespace adit::protocol {

namespace {

constexpr std::size_t kMaxUrl = 255;

/// Splits "host:port", also with an IPv6 address in brackets. The port may be absent.
struct Authority {
    std::string_view host;
    std::string_view port;
};
std::optional<Authority> split_authority(std::string_view text)
{
    const std::size_t start = text.starts_with('[') ? text.find(']') : 0;
    if (start == std::string_view::npos) return std::nullopt;
    const std::size_t colon = text.find(':', start);
    if (colon == std::string_view::npos) return Authority{text, {}};
    if (text.find(':', colon + 1) != std::string_view::npos) return std::nullopt;
    return Authority{text.substr(0, colon), text.substr(colon + 1)};
}

bool is_host(std::string_view host)
{
    const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
        return host.find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
    }
    return !host.empty() && host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") == std::string_view::npos;
}

bool is_port(std::string_view text)
{
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

std::string_view word_of_use(RelayUse use)
{
    switch (use) {
    case RelayUse::read_and_write:
        return "";
    case RelayUse::read:
        return "read";
    case RelayUse::write:
        return "write";
    }
    return "";
}

bool has_url(const std::vector<std::string>& seen, const std::string& url)
{
    return std::find(seen.begin(), seen.end(), url) != seen.end();
}

} // namespace

Result<std::string> normalize_relay_url(std::string_view url)
{
    const Error malformed{Reason::bad_encoding, "not a relay's URL"};
    if (url.size() > kMaxUrl || std::any_of(url.begin(), url.end(), [](char c) { return c < 33 || c > 126; }))
        return malformed;
    const std::size_t colon = url.find("://");
    if (colon == std::string_view::npos) return malformed;
    const std::string scheme = to_lower(url.substr(0, colon));
    if (scheme != "ws" && scheme != "wss") return malformed;
    url.remove_prefix(colon + 3);
    const std::size_t path_start = std::min(url.size(), url.find_first_of("/?#"));
    const std::string authority = to_lower(url.substr(0, path_start));
    const std::string_view path = url.substr(path_start);

    const auto parts = split_authority(authority);
    if (!parts || !is_host(parts->host)) return malformed;
    std::string out = scheme + "://" + std::string(parts->host);
    if (parts->host.size() != authority.size()) { // there is a colon
        if (!is_port(parts->port)) return malformed;
        if (parts->port != (scheme == "ws" ? "80" : "443")) out += ":" + std::string(parts->port);
    }
    if (path != "/") out += path;
    return out;
}

EventDraft relay_list_draft(std::span<const RelayEntry> relays, UnixSeconds now)
{
    EventDraft draft{.created_at = now, .kind = kKindRelayList, .tags = {}, .content = ""};
    std::vector<std::string> seen;
    for (const RelayEntry& relay : relays) {
        const auto url = normalize_relay_url(relay.url);
        if (!url || has_url(seen, *url)) continue;
        seen.push_back(*url);
        Tag& tag = draft.tags.emplace_back(Tag{"r", *url});
        if (relay.use != RelayUse::read_and_write) tag.emplace_back(word_of_use(relay.use));
    }
    return draft;
}

Result<std::vector<RelayEntry>> parse_relay_list(const Event& event, std::size_t max)
{
    if (event.kind != kKindRelayList) return Error{Reason::wrong_kind, "not kind 10002"};
    std::vector<RelayEntry> out;
    std::vector<std::string> seen;
    for (const Tag* const tag : event.all("r")) {
        if (out.size() >= max) break;
        if (tag->size() < 2) continue;
        auto url = normalize_relay_url((*tag)[1]);
        if (!url || has_url(seen, *url)) continue;
        RelayUse use = RelayUse::read_and_write;
        if (tag->size() > 2 && (*tag)[2] == "read") use = RelayUse::read;
        if (tag->size() > 2 && (*tag)[2] == "write") use = RelayUse::write;
        seen.push_back(*url);
        out.push_back({.url = std::move(url).value(), .use = use});
    }
    return out;
}

Result<std::vector<std::string>> parse_message_relays(const Event& event, std::size_t max)
{
    if (event.kind != kKindDmRelays) return Error{Reason::wrong_kind, "not kind 10050"};
    std::vector<std::string> out;
    for (const Tag* const tag : event.all("relay")) {
        if (out.size() >= max) break;
        if (tag->size() < 2) continue;
        auto url = normalize_relay_url((*tag)[1]);
        if (url && !has_url(out, *url)) out.push_back(std::move(url).value());
    }
    return out;
}

} // namespace adit::protocol
