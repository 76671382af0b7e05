// The host of a relay's URL, as it is judged before anything is connected to.
#include "base/bytes.h"
#include "base/check.h"
#include "nostr/public_address.h"
#include "nostr/relay_url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace adit::nostr;
    const std::string_view text = adit::as_text({data, size});
    const bool is_public = is_public_address(text);
    if (text.starts_with("127.") || text.starts_with("10.") || text.starts_with("fd") || text.starts_with("::1"))
        CHECK(!is_public);
    if (const auto url = parse_relay_url(text)) CHECK(!url->host.empty());
    return 0;
}
