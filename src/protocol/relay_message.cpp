#include "protocol/relay_message.h"

#include "protocol/constants.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"
#include "protocol/relay_list.h"

#include <algorithm>

namespace adit::protocol {

namespace {

constexpr Seconds kAuthWindow{600}; // NIP-42: "within ~10 minutes"

template<typename... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template<typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

Error malformed_message(std::string_view what)
{
    return Error{Reason::bad_encoding, "relay message: " + std::string(what)};
}

/// ["VERB", then strings and finished JSON in any order.
class Message {
public:
    explicit Message(std::string_view verb) : out_("[\"" + std::string(verb) + "\"") {}
    Message& text(std::string_view value)
    {
        out_.push_back(',');
        append_json_string(out_, value);
        return *this;
    }
    Message& json(std::string_view value)
    {
        out_.push_back(',');
        out_ += value;
        return *this;
    }
    Message& filters(const std::vector<Filter>& filters)
    {
        CHECK(!filters.empty());
        for (const Filter& filter : filters) json(encode_filter(filter));
        return *this;
    }
    std::string done() { return std::move(out_) + "]"; }

private:
    std::string out_;
};

struct Parsed {
    nlohmann::json elements; // an array whose first element is a string
    const std::string& verb() const { return elements[0].get_ref<const std::string&>(); }
    std::size_t size() const { return elements.size(); }
};

Result<Parsed> parse_message(std::string_view json)
{
    if (json.size() > kMaxRelayMessage) return malformed_message("too long");
    nlohmann::json elements = TRY(parse_json(json));
    if (!elements.is_array() || elements.empty() || !elements[0].is_string()) return malformed_message("no verb");
    return Parsed{std::move(elements)};
}

Result<std::string> element_at(const Parsed& message, std::size_t index)
{
    const std::string* const text = index < message.size() ? text_of(message.elements[index]) : nullptr;
    if (text == nullptr) return malformed_message("an element is absent or not a string");
    return *text;
}

Result<std::string> subscription_at(const Parsed& message, std::size_t index)
{
    std::string id = TRY(element_at(message, index));
    if (id.empty() || id.size() > kMaxSubscriptionId) return malformed_message("a subscription id of a bad length");
    return id;
}

Result<Event> event_at(const Parsed& message, std::size_t index)
{
    if (index >= message.size()) return malformed_message("no event");
    return parse_event(message.elements[index]);
}

Result<std::vector<Filter>> filters_from(const Parsed& message, std::size_t index)
{
    if (index >= message.size()) return malformed_message("no filter");
    if (message.size() - index > kMaxFilters) return malformed_message("too many filters");
    std::vector<Filter> filters;
    for (std::size_t i = index; i < message.size(); ++i) filters.push_back(TRY(parse_filter(message.elements[i])));
    return filters;
}

Result<FromRelay> parse_ok(const Parsed& message)
{
    if (message.size() < 3 || !message.elements[2].is_boolean()) return malformed_message("an OK without a verdict");
    // The fourth element must be there, but not every relay knows.
    const EventId id = TRY(parse_hex_exactly<32>(TRY(element_at(message, 1))));
    std::string words;
    if (message.size() > 3) words = TRY(element_at(message, 3));
    return FromRelay(
        from_relay::Ok{.id = id, .accepted = message.elements[2].get<bool>(), .message = std::move(words)});
}

/// Of a URL that normalize_relay_url gave; without the port.
std::string_view host_of(std::string_view url)
{
    url.remove_prefix(url.find("://") + 3);
    url = url.substr(0, url.find_first_of("/?#"));
    if (url.starts_with('[')) return url.substr(0, url.find(']') + 1);
    return url.substr(0, url.find(':'));
}

} // namespace

std::string encode(const ToRelay& message)
{
    return std::visit(
        Overloaded{
            [](const to_relay::Publish& m) { return Message("EVENT").json(encode_event(m.event)).done(); },
            [](const to_relay::Request& m) { return Message("REQ").text(m.subscription).filters(m.filters).done(); },
            [](const to_relay::Count& m) { return Message("COUNT").text(m.subscription).filters(m.filters).done(); },
            [](const to_relay::Close& m) { return Message("CLOSE").text(m.subscription).done(); },
            [](const to_relay::Auth& m) { return Message("AUTH").json(encode_event(m.event)).done(); },
        },
        message);
}

std::string encode(const FromRelay& message)
{
    return std::visit(
        Overloaded{
            [](const from_relay::Match& m) {
                return Message("EVENT").text(m.subscription).json(encode_event(m.event)).done();
            },
            [](const from_relay::EndOfStored& m) { return Message("EOSE").text(m.subscription).done(); },
            [](const from_relay::Ok& m) {
                return Message("OK").text(encode_hex(m.id)).json(m.accepted ? "true" : "false").text(m.message).done();
            },
            [](const from_relay::Closed& m) { return Message("CLOSED").text(m.subscription).text(m.message).done(); },
            [](const from_relay::Notice& m) { return Message("NOTICE").text(m.text).done(); },
            [](const from_relay::Auth& m) { return Message("AUTH").text(m.challenge).done(); },
            [](const from_relay::Count& m) {
                return Message("COUNT").text(m.subscription).json("{\"count\":" + std::to_string(m.count) + "}").done();
            },
        },
        message);
}

// Below no TRY stands inside braces after something that owns memory: leaving a half-made struct would leak it.

Result<ToRelay> parse_to_relay(std::string_view json)
{
    const Parsed message = TRY(parse_message(json));
    const std::string& verb = message.verb();
    if (verb == "EVENT") return ToRelay(to_relay::Publish{TRY(event_at(message, 1))});
    if (verb == "AUTH") return ToRelay(to_relay::Auth{TRY(event_at(message, 1))});
    if (verb != "REQ" && verb != "COUNT" && verb != "CLOSE") return malformed_message("unknown verb");

    std::string subscription = TRY(subscription_at(message, 1));
    if (verb == "CLOSE") return ToRelay(to_relay::Close{std::move(subscription)});
    std::vector<Filter> filters = TRY(filters_from(message, 2));
    if (verb == "COUNT") return ToRelay(to_relay::Count{std::move(subscription), std::move(filters)});
    return ToRelay(to_relay::Request{std::move(subscription), std::move(filters)});
}

Result<FromRelay> parse_from_relay(std::string_view json)
{
    const Parsed message = TRY(parse_message(json));
    const std::string& verb = message.verb();
    if (verb == "OK") return parse_ok(message);
    if (verb == "NOTICE") return FromRelay(from_relay::Notice{TRY(element_at(message, 1))});
    if (verb == "AUTH") return FromRelay(from_relay::Auth{TRY(element_at(message, 1))});
    if (verb != "EVENT" && verb != "EOSE" && verb != "CLOSED" && verb != "COUNT")
        return malformed_message("unknown verb");

    std::string subscription = TRY(subscription_at(message, 1));
    if (verb == "EOSE") return FromRelay(from_relay::EndOfStored{std::move(subscription)});
    if (verb == "CLOSED") {
        std::string text = message.size() > 2 ? TRY(element_at(message, 2)) : std::string();
        return FromRelay(from_relay::Closed{std::move(subscription), std::move(text)});
    }
    if (verb == "EVENT") {
        Event event = TRY(event_at(message, 2));
        return FromRelay(from_relay::Match{std::move(subscription), std::move(event)});
    }
    const nlohmann::json* const count = message.size() > 2 ? member(message.elements[2], "count") : nullptr;
    const auto number = count == nullptr ? std::nullopt : whole_number(*count, UINT64_MAX);
    if (!number) return malformed_message("a COUNT without a count");
    return FromRelay(from_relay::Count{std::move(subscription), *number});
}

RelayPrefix relay_prefix(std::string_view message)
{
    static constexpr std::pair<std::string_view, RelayPrefix> kPrefixes[]{
        {"duplicate", RelayPrefix::duplicate},
        {"pow", RelayPrefix::pow},
        {"blocked", RelayPrefix::blocked},
        {"rate-limited", RelayPrefix::rate_limited},
        {"invalid", RelayPrefix::invalid},
        {"restricted", RelayPrefix::restricted},
        {"mute", RelayPrefix::mute},
        {"error", RelayPrefix::error},
        {"auth-required", RelayPrefix::auth_required},
        {"replaced", RelayPrefix::replaced},
        {"unsupported", RelayPrefix::unsupported},
    };
    const std::size_t colon = message.find(':');
    if (colon == std::string_view::npos) return RelayPrefix::none;
    const std::string_view word = message.substr(0, colon);
    if (word.empty() || word.find(' ') != std::string_view::npos) return RelayPrefix::none; // a sentence with a colon
    for (const auto& [text, prefix] : kPrefixes)
        if (word == text) return prefix;
    return RelayPrefix::unknown;
}

EventDraft auth_draft(std::string_view relay_url, std::string_view challenge, UnixSeconds now)
{
    return EventDraft{.created_at = now,
                      .kind = kKindRelayAuth,
                      .tags = {{"relay", std::string(relay_url)}, {"challenge", std::string(challenge)}},
                      .content = ""};
}

Result<void> check_auth(const Event& event, std::string_view challenge, std::string_view relay_host, UnixSeconds now)
{
    TRY(verify(event));
    if (event.kind != kKindRelayAuth) return Error{Reason::wrong_kind, "not kind 22242"};
    if (event.created_at < now - kAuthWindow || event.created_at > now + kAuthWindow)
        return Error{Reason::expired_auth, "created_at is more than ten minutes away"};
    if (event.first("challenge") != challenge) return Error{Reason::bad_request, "not the challenge that was given"};
    const auto url = normalize_relay_url(event.first("relay").value_or(std::string_view{}));
    if (!url || host_of(*url) != relay_host) return Error{Reason::wrong_server, "for another relay"};
    return {};
}

} // namespace adit::protocol
