// What `adit top` makes of the daemon's answer, a whole one and nonsense.
#include "cli/top_text.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace adit::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

json answer()
{
    return json::parse(R"({"ok":true,"version":"0.1.0","now":1800000000,"for_sale":true,"paused":false,"device":true,
        "today":{"since":1799971200,"rows":[
            {"method":"cashu","mint":"https://mint.example","price_sat":"100","unit":"hour","sales":3,"sat":300},
            {"method":"lightning","price_sat":"500","unit":"GiB","sales":1,"sat":500}]},
        "sessions":{"live":2,"received_per_s":2048,"sent_per_s":3145728,"received_bytes":1,"sent_bytes":2,"busiest":[
            {"session":7,"expires_at":1800012000,"bytes_left":null,"received_per_s":2048,"sent_per_s":3145728,"handshake_age_s":41},
            {"session":8,"expires_at":1802592000,"bytes_left":1610612736,"received_per_s":0,"sent_per_s":0,"handshake_age_s":null}]},
        "addresses":{"size":253,"free":250},
        "relays":[{"url":"wss://a.example","connected":true,"last_error":""},
                  {"url":"wss://b.example","connected":false,"last_error":"refused"}],
        "mints":[{"url":"https://mint.example","answers":true,"wallet_sat":812,"keysets_expire":null}],
        "lightning":{"backend":"lnd","answers":false},
        "journal":[{"state":"swapping","purchases":2,"oldest_since":1799999000}],
        "owed":{"purchases":1,"sat":100},"outbox":{"events":4,"oldest_since":1799999940},
        "database_bytes":78643200,"disk_free_bytes":12884901888})");
}

TEST(TopText, SaysHowTheShopStands)
{
    const std::string text = top_text(answer());
    for (const auto* said :
         {"0.1.0   for sale   2027-01-15T08:00:00Z", "4 sold, 800 sat, since 00:00 UTC", "100 sat/hour", "500 sat/GiB",
          "2 live, in 2.0 KiB/s, out 3.0 MiB/s, 250 of 253 addresses free", "connected\n", "not connected: refused\n",
          "answers, 812 sat in the wallet", "does not answer\n", "usable\n",
          "swapping    2, the oldest for 16 min 40 s", "1 purchases, 100 sat: see adit sessions",
          "4 events, the oldest for 60 s", "database 75.0 MiB, free 12.0 GiB", "3 h 20 min", "1.5 GiB", "41 s ago",
          "never"})
        EXPECT_THAT(text, HasSubstr(said));
}

TEST(TopText, NothingOpenIsSaidSo)
{
    json quiet = answer();
    quiet["journal"] = json::array();
    quiet["owed"]["purchases"] = 0;
    quiet["outbox"]["events"] = 0;
    quiet["sessions"]["busiest"] = json::array();
    quiet["for_sale"] = false;
    quiet["paused"] = true;
    const std::string text = top_text(quiet);
    for (const auto* said : {"paused", "nothing is on its way", "owed       nothing", "outbox     empty"})
        EXPECT_THAT(text, HasSubstr(said));
    EXPECT_THAT(text, Not(HasSubstr("time left")));
}

/// Each member, however deep, in turn gone and of every wrong kind.
void spoil(json& whole, json& node, const std::function<void()>& look)
{
    if (!node.is_structured()) return;
    for (auto& child : node) {
        const json before = child;
        for (const json& wrong : {json(), json("\x1b[2J\n"), json(-1), json(~0ULL), json(1e300), json::array({1}),
                                  json::object({{"a", 1}}), json(true)}) {
            child = wrong;
            look();
        }
        child = before;
        spoil(whole, child, look);
    }
}

TEST(TopText, BearsWhateverTheAnswerHolds)
{
    json spoiled = answer();
    std::size_t looks = 0;
    spoil(spoiled, spoiled, [&] {
        const std::string text = top_text(spoiled);
        EXPECT_FALSE(text.empty());
        EXPECT_TRUE(
            std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n'; }));
        ++looks;
    });
    EXPECT_GT(looks, 300U);
    for (const json& other : {json(), json(1), json::array(), json::object()}) EXPECT_FALSE(top_text(other).empty());
}

} // namespace
} // namespace adit::cli
