// An aes action: iv and ciphertext from a stranger, as text and as bytes; and what was inside as a link.
#include "base/check.h"
#include "protocol/config_link.h"
#include "protocol/lnurl_aes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace adit::protocol;
    const std::string_view text = adit::as_text({data, size});
    static const adit::SecretBytes<32> preimage;
    if (const auto config = config_of_plaintext(text))
        CHECK(config_of_plaintext(config_viewer_link("a.example", text)).has_value() == adit::is_utf8(text));
    if (size < 24) return 0;
    static_cast<void>(
        open_aes(preimage, {"", std::string(text.substr(24)), std::string(text.substr(0, 24))}).has_value());
    const AesAction action{"", adit::encode_base64({data + 16, size - 16}), adit::encode_base64({data, 16})};
    if (const auto opened = open_aes(preimage, action)) CHECK(adit::is_utf8(*opened));
    return 0;
}
