#include "cli/find_listing.h"

#include "protocol/constants.h"
#include "protocol/nip19.h"

namespace adit::cli {

Result<Found> find_listings(const std::vector<std::string>& urls, const std::optional<protocol::PublicKey>& author,
                            const Clock& clock, Reporter& reporter)
{
    const auto relays = TRY(Relays::open(urls, clock, system_rng()));
    reporter.progress("asking " + std::to_string(urls.size()) + (urls.size() == 1 ? " relay" : " relays"));
    auto result = relays->fetch(listing_filters(author));
    if (!any_answered(result)) return Error{Reason::relay_unavailable, coverage_words(result)};
    if (auto filters = deletion_filters(result.events); !filters.empty()) {
        reporter.progress("asking for deletions");
        auto deletions = relays->fetch(std::move(filters));
        for (auto& event : deletions.events) result.events.push_back(std::move(event));
    }
    return Found{listings_of(result.events, clock.now()), coverage_words(result)};
}

Result<Target> parse_target(std::string_view text)
{
    if (text.starts_with("nostr:")) text.remove_prefix(6);
    if (text.starts_with("naddr")) {
        auto address = TRY(protocol::parse_naddr(text));
        if (address.kind != protocol::kKindListing)
            return Error{Reason::bad_encoding, "that naddr is of another kind than a listing"};
        return Target{address.author, std::move(address.identifier), std::move(address.relays)};
    }
    if (text.starts_with("nprofile")) {
        auto profile = TRY(protocol::parse_nprofile(text));
        return Target{profile.pubkey, std::nullopt, std::move(profile.relays)};
    }
    const auto key = protocol::parse_public_key(text);
    if (!key) return Error{Reason::bad_encoding, "expected an naddr or npub, as `adit browse` shows them"};
    return Target{*key, std::nullopt, {}};
}

std::string naddr_of(const protocol::PublishedListing& published, const std::vector<std::string>& relays)
{
    const std::vector<std::string> hints(
        relays.begin(), relays.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, relays.size())));
    return protocol::encode_naddr({published.listing.d_tag, hints, published.author, protocol::kKindListing})
        .value_or("");
}

} // namespace adit::cli
