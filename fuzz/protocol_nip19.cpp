// The first byte chooses the form, the rest is what the checksum holds: the fields from a stranger.
#include "protocol/bech32.h"
#include "protocol/nip19.h"

using namespace adit;
using namespace adit::protocol;

namespace {

constexpr std::string_view kPrefixes[]{"npub", "nsec", "note", "nprofile", "nevent", "naddr"};

void read_all(std::string_view text)
{
    if (const auto key = parse_npub(text)) CHECK(parse_npub(encode_npub(*key)).value() == *key);
    if (const auto key = parse_nsec(text)) CHECK(parse_nsec(encode_nsec(*key))->public_key() == key->public_key());
    if (const auto id = parse_note(text)) CHECK(parse_note(encode_note(*id)).value() == *id);
    if (const auto profile = parse_nprofile(text)) {
        const auto again = parse_nprofile(encode_nprofile(*profile));
        CHECK(again.has_value() && again->pubkey == profile->pubkey && again->relays == profile->relays);
    }
    if (const auto event = parse_nevent(text)) {
        const auto again = parse_nevent(encode_nevent(*event));
        CHECK(again.has_value() && again->id == event->id && again->author == event->author);
        CHECK(again->kind == event->kind && again->relays == event->relays);
    }
    if (const auto address = parse_naddr(text)) {
        const auto again = parse_naddr(encode_naddr(*address).value());
        CHECK(again.has_value() && again->identifier == address->identifier && again->author == address->author);
        CHECK(again->kind == address->kind && again->relays == address->relays);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    read_all(as_text({data, size}));
    if (size == 0 || size > 3000) return 0;
    const std::string_view prefix = kPrefixes[data[0] % std::size(kPrefixes)];
    read_all(encode_bech32(Bech32Form::bech32, prefix, to_words({data + 1, size - 1})));
    return 0;
}
