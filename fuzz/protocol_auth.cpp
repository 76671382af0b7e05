// The Authorization header of a purchase, or of a close. The first byte chooses: the header itself, or the event's JSON
// inside of one.
#include "base/check.h"
#include "protocol/constants.h"
#include "protocol/purchase_auth.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace adit::protocol;
    if (size == 0) return 0;
    const adit::ByteView rest(data + 1, size - 1);
    const std::string header =
        data[0] % 2 == 0 ? std::string(adit::as_text(rest)) : "Nostr " + adit::encode_base64(rest);
    const auto event = parse_auth_header(header);
    if (!event) {
        CHECK(event.error().reason == adit::Reason::bad_auth);
        return 0;
    }
    static const PublicKey operator_key =
        SecretKey::parse_hex("0000000000000000000000000000000000000000000000000000000000000001").value().public_key();
    static const std::vector<Price> prices{{"100", "sat", "hour"}, {"1000", "sat", "day"}};
    static const std::vector<Tier> tiers = sellable_tiers(prices);
    const auto auth =
        check_purchase_auth(*event, {adit::UnixSeconds(1800000000), "vpn.example", operator_key, "vpn-1", tiers});
    if (auth) {
        CHECK(event->kind == kKindRequestAuth);
        CHECK(auth->expires_at > adit::UnixSeconds(1800000000));
        CHECK(auth->tier.index < prices.size());
    }
    const auto close =
        check_close_auth(*event, {adit::UnixSeconds(1800000000), "vpn.example", operator_key, "vpn-1", tiers});
    CHECK(!(auth && close)); // an event is for one thing
    if (close) CHECK(event->kind == kKindRequestAuth && event->first("t") == kCloseAction);
    const auto bound = check_payment_hash(*event, "cashuB");
    CHECK(bound || bound.error().reason == adit::Reason::bad_auth);
    return 0;
}
