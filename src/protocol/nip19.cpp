#include "protocol/nip19.h"

#include "protocol/bech32.h"

#include <algorithm>

namespace adit::protocol {

namespace {

enum : std::uint8_t { kSpecial = 0, kRelay = 1, kAuthor = 2, kKind = 3 }; // types of a TLV

Error malformed_entity(std::string_view prefix, std::string_view what)
{
    return Error{Reason::bad_encoding, "not a good " + std::string(prefix) + ": " + std::string(what)};
}

Result<Bytes> decode(std::string_view prefix, std::string_view text)
{
    Bech32 parsed = TRY(parse_bech32(text));
    if (parsed.form != Bech32Form::bech32 || parsed.prefix != prefix) return malformed_entity(prefix, "other prefix");
    auto bytes = from_words(parsed.words);
    sodium_memzero(parsed.words.data(), parsed.words.size()); // may have been an nsec
    return bytes;
}

Result<ByteArray<32>> decode_32(std::string_view prefix, std::string_view text)
{
    const Bytes bytes = TRY(decode(prefix, text));
    if (bytes.size() != 32) return malformed_entity(prefix, "not 32 bytes");
    ByteArray<32> out{};
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}

std::string encode(std::string_view prefix, ByteView bytes)
{
    return encode_bech32(Bech32Form::bech32, prefix, to_words(bytes));
}

/// The fields of all three forms; each form then asks for what it needs. Of repeated ones, relays aside, the first
/// counts.
struct Fields {
    std::optional<Bytes> special;
    std::vector<std::string> relays;
    std::optional<PublicKey> author;
    std::optional<std::uint32_t> kind;
};

Result<Fields> decode_fields(std::string_view prefix, std::string_view text)
{
    const Bytes bytes = TRY(decode(prefix, text));
    Fields fields;
    ByteView rest = bytes;
    while (!rest.empty()) {
        if (rest.size() < 2 || rest.size() - 2 < rest[1]) return malformed_entity(prefix, "cut short");
        const std::uint8_t type = rest[0];
        const ByteView value = rest.subspan(2, rest[1]);
        rest = rest.subspan(2 + value.size());
        if (type == kSpecial && !fields.special) {
            fields.special = Bytes(value.begin(), value.end());
        } else if (type == kRelay) {
            if (std::any_of(value.begin(), value.end(), [](std::uint8_t c) { return c < 33 || c > 126; }))
                return malformed_entity(prefix, "a relay that is not a URL");
            fields.relays.emplace_back(as_text(value));
        } else if (type == kAuthor && !fields.author) {
            fields.author = TRY(PublicKey::from_bytes(value));
        } else if (type == kKind && !fields.kind) {
            if (value.size() != 4 || value[0] != 0 || value[1] != 0)
                return malformed_entity(prefix, "a kind over 65535");
            fields.kind = static_cast<std::uint32_t>(value[2] << 8U | value[3]);
        }
    }
    return fields;
}

void append_field(Bytes& out, std::uint8_t type, ByteView value)
{
    CHECK(value.size() <= 255);
    out.push_back(type);
    out.push_back(static_cast<std::uint8_t>(value.size()));
    append(out, value);
}

void append_relays(Bytes& out, const std::vector<std::string>& relays)
{
    for (const std::string& relay : relays)
        if (relay.size() <= 255) append_field(out, kRelay, as_bytes(relay));
}

void append_kind(Bytes& out, std::uint32_t kind)
{
    Bytes value;
    append_u32_be(value, kind);
    append_field(out, kKind, value);
}

} // namespace

Result<PublicKey> parse_npub(std::string_view text) { return PublicKey::from_bytes(TRY(decode_32("npub", text))); }

Result<SecretKey> parse_nsec(std::string_view text)
{
    ByteArray<32> bytes = TRY(decode_32("nsec", text));
    SecretBytes<32> secret{std::span<const std::uint8_t, 32>(bytes)};
    sodium_memzero(bytes.data(), bytes.size());
    return SecretKey::from_secret(std::move(secret));
}

Result<EventId> parse_note(std::string_view text) { return decode_32("note", text); }

Result<Nprofile> parse_nprofile(std::string_view text)
{
    Fields fields = TRY(decode_fields("nprofile", text));
    if (!fields.special) return malformed_entity("nprofile", "no key");
    return Nprofile{.pubkey = TRY(PublicKey::from_bytes(*fields.special)), .relays = std::move(fields.relays)};
}

Result<Nevent> parse_nevent(std::string_view text)
{
    Fields fields = TRY(decode_fields("nevent", text));
    if (!fields.special || fields.special->size() != 32) return malformed_entity("nevent", "no id");
    Nevent out{.id = {}, .relays = std::move(fields.relays), .author = fields.author, .kind = fields.kind};
    std::copy(fields.special->begin(), fields.special->end(), out.id.begin());
    return out;
}

Result<Naddr> parse_naddr(std::string_view text)
{
    Fields fields = TRY(decode_fields("naddr", text));
    if (!fields.special || !fields.author || !fields.kind)
        return malformed_entity("naddr", "no identifier, author or kind");
    std::string identifier(as_text(*fields.special));
    if (!is_utf8(identifier)) return malformed_entity("naddr", "an identifier that is not UTF-8");
    return Naddr{.identifier = std::move(identifier),
                 .relays = std::move(fields.relays),
                 .author = *fields.author,
                 .kind = *fields.kind};
}

std::string encode_npub(const PublicKey& key) { return encode("npub", key.bytes()); }

std::string encode_nsec(const SecretKey& key) { return encode("nsec", key.expose()); }

std::string encode_note(const EventId& id) { return encode("note", id); }

std::string encode_nprofile(const Nprofile& profile)
{
    Bytes out;
    append_field(out, kSpecial, profile.pubkey.bytes());
    append_relays(out, profile.relays);
    return encode("nprofile", out);
}

std::string encode_nevent(const Nevent& event)
{
    Bytes out;
    append_field(out, kSpecial, event.id);
    append_relays(out, event.relays);
    if (event.author) append_field(out, kAuthor, event.author->bytes());
    if (event.kind) append_kind(out, *event.kind);
    return encode("nevent", out);
}

Result<std::string> encode_naddr(const Naddr& address)
{
    if (address.identifier.size() > 255) return malformed_entity("naddr", "an identifier over 255 bytes");
    Bytes out;
    append_field(out, kSpecial, as_bytes(address.identifier));
    append_relays(out, address.relays);
    append_field(out, kAuthor, address.author.bytes());
    append_kind(out, address.kind);
    return encode("naddr", out);
}

Result<PublicKey> parse_public_key(std::string_view text)
{
    return text.starts_with("npub1") ? parse_npub(text) : PublicKey::parse_hex(text);
}

Result<SecretKey> parse_secret_key(std::string_view text)
{
    return text.starts_with("nsec1") ? parse_nsec(text) : SecretKey::parse_hex(text);
}

} // namespace adit::protocol
