// Rows of somebody's table of sessions, a line each, columns parted by tabs ("-": NULL).
#include "base/check.h"
#include "base/rng.h"
#include "operate/europa_sessions.h"
#include "protocol/constants.h"

#include <set>

namespace {

using adit::operate::EuropaSession;

constexpr adit::UnixSeconds kNow{1'800'000'000};

std::string_view cut(std::string_view& rest, char separator)
{
    const auto end = rest.find(separator);
    const auto word = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return word;
}

EuropaSession row_of(std::string_view line)
{
    EuropaSession row;
    for (auto* column : {&row.session_id, &row.protocol, &row.client_identity, &row.assigned_ip, &row.purchased_at,
                         &row.expires_at, &row.data_quota_bytes, &row.data_used_bytes, &row.price_amount,
                         &row.price_currency, &row.price_unit, &row.payment_method, &row.status, &row.last_rx_counter,
                         &row.last_tx_counter, &row.payment_hash, &row.listing_d_tag})
        if (const auto word = cut(line, '\t'); word != "-") *column = std::string(word);
    return row;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace adit;
    std::string_view text = as_text({data, size});
    std::vector<EuropaSession> rows;
    while (!text.empty()) rows.push_back(row_of(cut(text, '\n')));
    const operate::MovingTerms terms{wg::parse_cidr("10.66.42.0/24").value(), std::nullopt};
    const auto plan = operate::plan_moving_in(rows, terms, kNow, system_rng());
    // Every row is taken, joined or named; no key and no address is there twice.
    std::set<protocol::WireguardKey> keys;
    std::set<std::string> addresses;
    std::size_t purchases = 0;
    for (const auto& planned : plan.live) {
        CHECK(keys.insert(planned.session.client_key).second);
        CHECK(addresses.insert(planned.session.address).second);
        const auto end = session::expires_at(planned.session.segments);
        CHECK(end && *end > kNow);
        CHECK(*end - kNow <= protocol::kMaxSession + protocol::kDataLapse * static_cast<std::int64_t>(rows.size()) +
                                 protocol::kMaxSession * static_cast<std::int64_t>(rows.size()));
        purchases += planned.session.purchases.size();
    }
    for (const auto& planned : plan.ended) {
        CHECK(keys.insert(planned.session.client_key).second);
        CHECK(planned.session.segments.empty());
    }
    CHECK(purchases + plan.left_out.size() <= rows.size());
    return 0;
}
