// Any text: what is taken is written back the same but for its case, and its words survive the trip to bytes.
#include "protocol/bech32.h"

#include <algorithm>

using namespace adit;
using namespace adit::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = as_text({data, size});
    if (const auto parsed = parse_bech32(text)) {
        std::string lower(text);
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        CHECK(encode_bech32(parsed->form, parsed->prefix, parsed->words) == lower);
        if (const auto bytes = from_words(parsed->words)) CHECK(to_words(*bytes) == parsed->words);
    }
    // Few random texts have a good checksum, so the bytes are also taken as a payload.
    if (size > 4000) return 0;
    const Bytes payload(data, data + size);
    if (to_words(payload).size() > 4900) return 0;
    const auto again = parse_bech32(encode_bech32(Bech32Form::bech32m, "x", to_words(payload)));
    CHECK(again.has_value() && from_words(again->words).value() == payload);
    return 0;
}
