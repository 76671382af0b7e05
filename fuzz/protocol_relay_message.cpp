// A message from either side: what is taken can be written and read back, and a filter judges without harm.
#include "protocol/deletion.h"
#include "protocol/relay_list.h"
#include "protocol/relay_message.h"

using namespace adit;
using namespace adit::protocol;

namespace {

void look_at(const Event& event)
{
    deletes(event, event);
    if (const auto list = parse_relay_list(event)) CHECK(list->size() <= 16);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = as_text({data, size});
    if (const auto message = parse_to_relay(text)) {
        const auto again = parse_to_relay(encode(*message));
        CHECK(again.has_value() && encode(*again) == encode(*message));
        if (const auto* const publish = std::get_if<to_relay::Publish>(&*message)) look_at(publish->event);
    }
    if (const auto message = parse_from_relay(text)) {
        const auto again = parse_from_relay(encode(*message));
        CHECK(again.has_value() && encode(*again) == encode(*message));
        if (const auto* const match = std::get_if<from_relay::Match>(&*message)) look_at(match->event);
        if (const auto* const ok = std::get_if<from_relay::Ok>(&*message)) relay_prefix(ok->message);
    }
    if (const auto url = normalize_relay_url(text)) CHECK(normalize_relay_url(*url).value() == *url);
    return 0;
}
