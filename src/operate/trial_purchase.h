// operate/trial_purchase.h - the cheapest tier, really bought, to see that it is sold.
#pragma once

#include "cli/market.h"
#include "cli/purchase_command.h"
#include "operate/finding.h"

namespace adit::operate {

/// The tier and quantity that cost least within the listing's bounds. Errors: bad_request (nothing can be bought so).
Result<cli::Offer> cheapest_offer(const protocol::PublishedListing& published, cli::PayWith with,
                                  const std::optional<std::string>& mint);

/// "purchase": what became of it, and what the operator or the buyer does about it. Pure.
Finding judge_purchase(const cli::Record& record, const cli::Buyer::Outcome& outcome, const std::filesystem::path& file,
                       Milliseconds took);

} // namespace adit::operate
