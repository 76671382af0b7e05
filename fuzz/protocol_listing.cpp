// An event from a relay, as JSON, read as a listing; what is read is built and read again.
#include "base/check.h"
#include "protocol/listing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace adit::protocol;
    const auto event = parse_event(adit::as_text({data, size}));
    if (!event) return 0;
    const auto first = parse_listing(*event);
    if (!first) return 0;
    const EventDraft draft = listing_draft(first->listing, first->created_at, LegacyTag::with);
    const auto second = parse_listing(
        Event{first->event_id, first->author, draft.created_at, draft.kind, draft.tags, draft.content, event->sig});
    CHECK(second);
    CHECK(second->listing.prices == first->listing.prices);
    CHECK(second->listing.d_tag == first->listing.d_tag);
    for (const Tier& tier : sellable_tiers(first->listing.prices)) CHECK(tier.price > adit::Sat(0));
    return 0;
}
