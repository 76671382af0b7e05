// A payload as it is, and one rightly authenticated around plaintext of the fuzzer's choosing.
#include "protocol/nip44.h"

using namespace adit;
using namespace adit::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = as_text({data, size});
    // The key and nonce of the official vectors' first message, so that the corpus has payloads that open.
    static const ConversationKey key =
        parse_secret_hex<32>("c41c775356fd92eadc63ff5a0dc1da211b268cbea22316767095b2871ea1412d").value();
    ByteArray<32> nonce{};
    nonce[31] = 1;
    if (const auto plaintext = nip44_decrypt(key, text)) CHECK(!plaintext->empty());
    if (size == 0) return 0;
    const std::string payload = adit::protocol::detail::nip44_encrypt_with(key, text, nonce);
    CHECK(nip44_decrypt(key, payload).value() == text);
    return 0;
}
