// An event from a relay, as JSON, read as a list of relays where somebody reads messages.
#include "base/check.h"
#include "protocol/relay_list.h"

#include <set>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace adit::protocol;
    const auto event = parse_event(adit::as_text({data, size}));
    if (!event) return 0;
    const auto urls = parse_message_relays(*event);
    if (!urls) return 0;
    CHECK(urls->size() <= 5);
    std::set<std::string> seen;
    for (const std::string& url : *urls) {
        CHECK(seen.insert(url).second);
        const auto again = normalize_relay_url(url);
        CHECK(again && *again == url);
    }
    return 0;
}
