#include "payments/cashu/secret.h"

#include "payments/cashu/json_fields.h"
#include "protocol/json.h"

#include <set>

namespace adit::payments::cashu {
namespace {

constexpr std::size_t kMaxDepth = 4; // the array, its object, the tags, a tag

Error malformed_secret(const char* what) { return Error{Reason::wrong_p2pk, what}; }

/// nlohmann keeps the last of two equal keys, a mint may keep the first: so both must be seen.
bool repeats_a_key(std::string_view json)
{
    std::vector<std::set<std::string>> open_objects;
    bool repeated = false;
    const auto watch = [&](int, Json::parse_event_t event, Json& value) {
        if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
        if (event == Json::parse_event_t::object_end) open_objects.pop_back();
        if (event == Json::parse_event_t::key && !open_objects.back().insert(value.get<std::string>()).second)
            repeated = true;
        return true;
    };
    return Json::parse(json, watch, false).is_discarded() || repeated;
}

Result<std::vector<SecretTag>> read_tags(const Json& value)
{
    if (!value.is_array()) return malformed_secret("tags are no array");
    std::vector<SecretTag> tags;
    std::set<std::string> keys;
    for (const Json& element : value) {
        if (!element.is_array() || element.empty()) return malformed_secret("a tag is no array, or empty");
        SecretTag tag;
        for (const Json& part : element) {
            if (!part.is_string()) return malformed_secret("a tag holds something that is no text");
            tag.push_back(part.get<std::string>());
            if (tag.back().empty()) return malformed_secret("a tag holds an empty text");
        }
        if (!keys.insert(tag.front()).second) return malformed_secret("a tag is there twice");
        tags.push_back(std::move(tag));
    }
    return tags;
}

} // namespace

const SecretTag* WellKnownSecret::tag(std::string_view key) const
{
    for (const SecretTag& tag : tags)
        if (tag.front() == key) return &tag;
    return nullptr;
}

Result<std::optional<WellKnownSecret>> parse_secret(std::string_view text)
{
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || text[first] != '[') return std::optional<WellKnownSecret>();
    if (text.size() > kMaxSecretBytes) return malformed_secret("the secret is too long");

    // From here on it is meant to be one: what a mint may read in another way than we do is refused, not called plain.
    const auto root = protocol::parse_json(text, kMaxDepth);
    if (!root) return malformed_secret("the secret is not JSON");
    if (!root->is_array() || root->size() != 2 || !(*root)[0].is_string() || !(*root)[1].is_object())
        return malformed_secret("the secret is not a kind and an object");
    if (repeats_a_key(text)) return malformed_secret("the secret repeats a key");

    const Json& body = (*root)[1];
    const std::string* nonce = as_string(member(body, "nonce"));
    const std::string* data = as_string(member(body, "data"));
    if (nonce == nullptr || data == nullptr) return malformed_secret("the secret lacks nonce or data");
    WellKnownSecret secret{(*root)[0].get<std::string>(), *nonce, *data, {}};
    if (const Json* tags = member(body, "tags")) secret.tags = TRY(read_tags(*tags));
    return std::optional<WellKnownSecret>(std::move(secret));
}

std::string encode_secret(const WellKnownSecret& secret)
{
    std::string out = "[";
    const auto string = [&out](std::string_view text) { protocol::append_json_string(out, text); };
    string(secret.kind);
    out += R"(,{"nonce":)";
    string(secret.nonce);
    out += R"(,"data":)";
    string(secret.data);
    if (!secret.tags.empty()) {
        out += R"(,"tags":[)";
        for (std::size_t i = 0; i < secret.tags.size(); ++i) {
            out += i == 0 ? "[" : ",[";
            for (std::size_t j = 0; j < secret.tags[i].size(); ++j) {
                if (j > 0) out += ',';
                string(secret.tags[i][j]);
            }
            out += ']';
        }
        out += ']';
    }
    out += "}]";
    return out;
}

} // namespace adit::payments::cashu
