// An event from a stranger: what is taken can be written and read back as the same event.
#include "protocol/event.h"
#include "protocol/kinds.h"

#include <cstddef>

using namespace adit;
using namespace adit::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto event = parse_event(as_text({data, size}));
    if (!event) return 0;
    const bool good = verify(*event).has_value();
    const auto again = parse_event(encode_event(*event));
    CHECK(again.has_value());
    CHECK(again->id == event->id && again->tags == event->tags && again->content == event->content);
    CHECK(verify(*again).has_value() == good);
    CHECK(encode_event(*again) == encode_event(*event));
    if (const auto where = coordinate(*event)) CHECK(parse_coordinate(encode_coordinate(*where)).value() == *where);
    is_expired(*event, UnixSeconds(0));
    return 0;
}
