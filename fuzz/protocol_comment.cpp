// A purchase in a comment, and a key in a URL.
#include "base/check.h"
#include "protocol/purchase_comment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace adit::protocol;
    const std::string_view text = adit::as_text({data, size});
    static const std::vector<std::string> sold{"wireguard"};
    if (const auto comment = parse_purchase_comment(text, sold)) {
        const auto again = parse_purchase_comment(encode_purchase_comment(*comment), sold);
        CHECK(again && again->client_key == comment->client_key && again->refund_key == comment->refund_key);
        CHECK(again->price == comment->price && again->listing == comment->listing);
    }
    if (const auto key = parse_key_parameter(text)) CHECK(parse_key_parameter(key->base64()).value() == *key);
    return 0;
}
