// operate/shop_look.h - an operator's HTTP API as a buyer meets it, compared with the listing. Pure: what was asked and
// answered goes in, findings come out. spec: HTTP API, Purchase with Cashu
#pragma once

#include "operate/listing_look.h"
#include "operate/web_look.h"
#include "protocol/info.h"

namespace adit::operate {

/// What went wrong with an exchange, for a sentence, and what an operator can do about it.
struct WebTrouble {
    std::string what;
    std::string hint;
};
/// None: it was answered with 200.
std::optional<WebTrouble> trouble_of(const WebSight& sight);

struct InfoSeen {
    Finding finding;                    // "info-reachable"
    std::optional<protocol::Info> info; // none: that failed
};
InfoSeen judge_info(const std::string& url, const WebSight& sight);

/// "info-matches-listing": one for each thing that is said otherwise, or one ok.
/// `origin`: where that /info was got from; what the listing has elsewhere is not compared.
std::vector<Finding> judge_info_against(const Listed& listed, const protocol::Info& info, const std::string& origin);

/// "clock": the server's against ours. None: it does not say.
std::optional<Finding> judge_clock(const WebAnswer& answer, UnixSeconds now);

/// "health": what the daemon says of itself. None: it says nothing (other software need not).
std::optional<Finding> judge_health(const WebSight& sight, const protocol::PublicKey& author);

/// A purchase with everything but the payment, which costs nobody anything: what a buyer who pays would be told.
struct UnpaidPurchase {
    WebAsk ask;
    protocol::Price price;
    CashuTag tag;
};
/// Errors: bad_request (nothing of the listing can be bought for ecash).
Result<UnpaidPurchase> make_unpaid_purchase(const Listed& listed, const CashuTag& tag, const Clock& clock, Rng& rng);
/// "purchase-answer", and "p2pk-matches" where the operator says which key it wants to be paid to.
std::vector<Finding> judge_unpaid(const UnpaidPurchase& asked, const WebSight& sight);

} // namespace adit::operate
