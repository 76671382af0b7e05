#include "protocol/event.h"

#include "base/hash.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <algorithm>

namespace adit::protocol {

namespace {

constexpr std::uint64_t kMaxCreatedAt = (1ULL << 53U) - 1; // what every JSON reader keeps exactly
constexpr std::uint64_t kMaxKind = 65535;

void append_tags(std::string& out, const std::vector<Tag>& tags, Controls controls)
{
    out.push_back('[');
    for (std::size_t i = 0; i < tags.size(); ++i) {
        out += i == 0 ? "[" : ",[";
        for (std::size_t k = 0; k < tags[i].size(); ++k) {
            if (k > 0) out.push_back(',');
            append_json_string(out, tags[i][k], controls);
        }
        out.push_back(']');
    }
    out.push_back(']');
}

EventId id_of(const PublicKey& author, UnixSeconds created_at, std::uint32_t kind, const std::vector<Tag>& tags,
              std::string_view content, Controls controls)
{
    std::string text =
        "[0,\"" + author.hex() + "\"," + std::to_string(created_at.count()) + "," + std::to_string(kind) + ",";
    text.reserve(text.size() + content.size() + content.size() / 8 + 256);
    append_tags(text, tags, controls);
    text.push_back(',');
    append_json_string(text, content, controls);
    text.push_back(']');
    return sha256(as_bytes(text));
}

bool has_controls(std::string_view text)
{
    return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

bool has_controls(const Event& event)
{
    return has_controls(event.content) || std::any_of(event.tags.begin(), event.tags.end(), [](const Tag& tag) {
               return std::any_of(tag.begin(), tag.end(), [](const std::string& value) { return has_controls(value); });
           });
}

Error malformed_event(std::string_view what) { return Error{Reason::bad_encoding, "event: " + std::string(what)}; }

Result<std::vector<Tag>> parse_tags(const nlohmann::json& value)
{
    if (!value.is_array()) return malformed_event("tags is not an array");
    std::vector<Tag> tags;
    tags.reserve(value.size());
    for (const nlohmann::json& element : value) {
        if (!element.is_array()) return malformed_event("a tag is not an array");
        Tag& tag = tags.emplace_back();
        tag.reserve(element.size());
        for (const nlohmann::json& part : element) {
            const std::string* const text = text_of(part);
            if (text == nullptr) return malformed_event("a tag has a value that is not a string");
            tag.push_back(*text);
        }
    }
    return tags;
}

} // namespace

std::optional<std::string_view> Event::first(std::string_view name) const
{
    for (const Tag& tag : tags) {
        if (tag.empty() || tag[0] != name) continue;
        if (tag.size() < 2) return std::nullopt;
        return tag[1];
    }
    return std::nullopt;
}

std::vector<const Tag*> Event::all(std::string_view name) const
{
    std::vector<const Tag*> found;
    for (const Tag& tag : tags)
        if (!tag.empty() && tag[0] == name) found.push_back(&tag);
    return found;
}

Result<Event> parse_event(std::string_view json) { return parse_event(TRY(parse_json(json))); }

Result<Event> parse_event(const nlohmann::json& object)
{
    const std::string* const id = text_member(object, "id");
    const std::string* const pubkey = text_member(object, "pubkey");
    const std::string* const content = text_member(object, "content");
    const std::string* const sig = text_member(object, "sig");
    const nlohmann::json* const created_at = member(object, "created_at");
    const nlohmann::json* const kind = member(object, "kind");
    const nlohmann::json* const tags = member(object, "tags");
    if (id == nullptr || pubkey == nullptr || content == nullptr || sig == nullptr)
        return malformed_event("id, pubkey, content or sig is absent or not a string");
    if (created_at == nullptr || kind == nullptr || tags == nullptr)
        return malformed_event("created_at, kind or tags is absent");

    const auto time = whole_number(*created_at, kMaxCreatedAt);
    if (!time) return malformed_event("created_at is not a whole number of seconds");
    const auto number = whole_number(*kind, kMaxKind);
    if (!number) return malformed_event("kind is not 0 to 65535");
    // Taken one by one: leaving a half-made struct through TRY would leak what it holds already.
    const EventId parsed_id = TRY(parse_hex_exactly<32>(*id));
    const PublicKey author = TRY(PublicKey::parse_hex(*pubkey));
    const Signature signature = TRY(parse_hex_exactly<64>(*sig));
    std::vector<Tag> parsed_tags = TRY(parse_tags(*tags));
    return Event{.id = parsed_id,
                 .pubkey = author,
                 .created_at = UnixSeconds(static_cast<std::int64_t>(*time)),
                 .kind = static_cast<std::uint32_t>(*number),
                 .tags = std::move(parsed_tags),
                 .content = *content,
                 .sig = signature};
}

EventId event_id(const PublicKey& author, const EventDraft& draft)
{
    return id_of(author, draft.created_at, draft.kind, draft.tags, draft.content, Controls::escaped);
}

Result<void> verify(const Event& event)
{
    const auto written = [&](Controls controls) {
        return id_of(event.pubkey, event.created_at, event.kind, event.tags, event.content, controls);
    };
    // NIP-01 says verbatim, JSON libraries escape: both are out there.
    if (event.id != written(Controls::escaped) && !(has_controls(event) && event.id == written(Controls::verbatim)))
        return Error{Reason::bad_signature, "the event's id is not that of its content"};
    if (!verify(event.pubkey, event.id, event.sig))
        return Error{Reason::bad_signature, "the event's signature is not its author's"};
    return {};
}

Event sign_event(EventDraft draft, const SecretKey& key, Rng& rng)
{
    const PublicKey author = key.public_key();
    const EventId id = event_id(author, draft);
    return Event{.id = id,
                 .pubkey = author,
                 .created_at = draft.created_at,
                 .kind = draft.kind,
                 .tags = std::move(draft.tags),
                 .content = std::move(draft.content),
                 .sig = sign(key, id, rng)};
}

std::string encode_event(const Event& event)
{
    std::string out = R"({"id":")" + encode_hex(event.id) + R"(","pubkey":")" + event.pubkey.hex() +
                      R"(","created_at":)" + std::to_string(event.created_at.count()) + R"(,"kind":)" +
                      std::to_string(event.kind) + R"(,"tags":)";
    append_tags(out, event.tags, Controls::escaped);
    out += R"(,"content":)";
    append_json_string(out, event.content);
    out += R"(,"sig":")" + encode_hex(event.sig) + "\"}";
    return out;
}

} // namespace adit::protocol
