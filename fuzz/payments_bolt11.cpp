// An invoice as a backend or a seller's server sends it. Few random texts have a good checksum, so the bytes are also
// taken as words of one that has.
#include "payments/lightning/bolt11.h"
#include "protocol/bech32.h"

using namespace adit;
using namespace adit::payments::lightning;

namespace {

void look_at(std::string_view text)
{
    const auto invoice = parse_bolt11(text);
    if (!invoice) return;
    CHECK(invoice->description.has_value() != invoice->description_hash.has_value());
    CHECK(invoice->expires_at() >= invoice->timestamp);
    CHECK(!invoice->description || is_utf8(*invoice->description));
    CHECK(invoice->payee[0] == 2 || invoice->payee[0] == 3);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = as_text({data, size});
    look_at(text);
    const std::size_t separator = text.rfind('1');
    if (separator == std::string_view::npos || separator == 0 || separator > 83) return 0;
    const std::string prefix(text.substr(0, separator));
    for (const char c : prefix)
        if (c < 33 || c > 126 || (c >= 'A' && c <= 'Z')) return 0;
    constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    Bytes words;
    for (const char c : text.substr(separator + 1)) {
        const std::size_t word = kAlphabet.find(c);
        words.push_back(static_cast<std::uint8_t>(word == std::string_view::npos ? c & 31 : word));
    }
    look_at(protocol::encode_bech32(protocol::Bech32Form::bech32, prefix, words));
    return 0;
}
