// operate/lnurl_look.h - an operator's LNURL-pay service as a wallet meets it. Pure. LUD-06, LUD-12
// spec: Purchase with Lightning
#pragma once

#include "operate/listing_look.h"
#include "operate/web_look.h"

namespace adit::operate {

/// The first tier that is sold for sats; its offer is what is looked at. Errors: bad_encoding, bad_request.
struct LnurlAsk {
    std::string url;
    std::optional<Msat> price; // none: no tier in sats, so the price is not compared
};
Result<LnurlAsk> lnurl_ask(const Listed& listed, const std::string& target);

struct LnurlSeen {
    std::vector<Finding> findings;       // "lnurlp-reachable", "lnurlp-shape"
    std::optional<std::string> callback; // to be asked without a key: that makes no invoice
};
LnurlSeen judge_lnurl_offer(const LnurlAsk& asked, const WebSight& sight);

/// "lnurlp-callback": whether the service behind the offer is there.
Finding judge_lnurl_callback(const std::string& url, const WebSight& sight);

} // namespace adit::operate
