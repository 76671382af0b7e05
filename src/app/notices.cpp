#include "app/notices.h"

#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace adit::app {

namespace {

constexpr std::size_t kMostFollowed = 200;
constexpr std::size_t kMostNews = 20; // in one message
constexpr std::size_t kLongestText = 4000;
constexpr Seconds kSalesGather{5};
constexpr Seconds kSalesPauseEach{60};
constexpr Seconds kSalesPauseMost{3600};
constexpr Seconds kNewsPause{60};

using What = TroubleNews::What;

struct TroubleWord {
    Trouble trouble;
    std::string_view word;
    Patience patience;
};
// A mint or a node that restarts, and a relay that reconnects, are no news. What is looked at seldom, or does not come
// and go, is told when it is seen.
constexpr TroubleWord kTroubles[]{
    {Trouble::mint_silent, "mint_silent", {Seconds(180), Seconds(60)}},
    {Trouble::lightning_down, "lightning_down", {Seconds(180), Seconds(60)}},
    {Trouble::listing_missing, "listing_missing", {Seconds(900), Seconds(0)}},
    {Trouble::pool_nearly_full, "pool_nearly_full", {Seconds(60), Seconds(600)}},
    {Trouble::keyset_expiring, "keyset_expiring", {Seconds(0), Seconds(600)}},
    {Trouble::disk_filling, "disk_filling", {Seconds(60), Seconds(600)}},
    {Trouble::purchase_owed, "purchase_owed", {Seconds(0), Seconds(0)}},
};

const TroubleWord& word_row(Trouble trouble) { return *std::ranges::find(kTroubles, trouble, &TroubleWord::trouble); }

std::string ended_words(const Symptom& symptom)
{
    const std::string& about = symptom.about;
    switch (symptom.trouble) {
    case Trouble::mint_silent:
        return "The mint " + about + " answers again.";
    case Trouble::lightning_down:
        return "The Lightning node can be used again.";
    case Trouble::listing_missing:
        return "The listing is on " + about + " again.";
    case Trouble::pool_nearly_full:
        return "There are enough free tunnel addresses again.";
    case Trouble::keyset_expiring:
        return "Nothing is left in the expiring keyset " + about + ".";
    case Trouble::disk_filling:
        return "The disk has room again.";
    case Trouble::purchase_owed:
        return "Purchase " + about + " is not owed any more.";
    }
    return "";
}

/// "3 min", "2 h", "5 d".
std::string length_words(Seconds length)
{
    const std::int64_t minutes = std::max<std::int64_t>(0, length.count()) / 60;
    if (minutes < 120) return std::to_string(minutes) + " min";
    if (minutes < 48 * 60) return std::to_string(minutes / 60) + " h";
    return std::to_string(minutes / (24 * 60)) + " d";
}

std::string sat_words(Sat amount) { return std::to_string(amount.count()) + " sat"; }

Sat capped_sum(Sat a, Sat b) { return sum(a, b).value_or(Sat(std::numeric_limits<std::uint64_t>::max())); }

std::string news_line(const TroubleNews& news, UnixSeconds now)
{
    switch (news.what) {
    case What::begun:
        return "Trouble since " + to_iso8601(news.since) + ": " + news.symptom.words;
    case What::ended:
        return "Over after " + length_words(now - news.since) + ": " + ended_words(news.symptom);
    }
    return "";
}

void add_shop(std::vector<std::string>& lines, const ShopNow& shop)
{
    Sat total;
    for (const ShopNow::Balance& each : shop.wallet) total = capped_sum(total, each.worth);
    lines.push_back("Wallet: " + sat_words(total) + (shop.wallet.size() > 1 ? ", of which" : ""));
    if (shop.wallet.size() == 1) lines.back() += " at " + shop.wallet.front().mint;
    if (shop.wallet.size() > 1)
        for (const ShopNow::Balance& each : shop.wallet)
            lines.push_back("  " + sat_words(each.worth) + " at " + each.mint);
    if (shop.lightning)
        lines.push_back("Lightning: the node " + *shop.lightning + "; " +
                        sat_words(shop.taken_by_lightning.value_or(Sat())) + " sold so far");
    lines.push_back("Sessions: " + std::to_string(shop.sessions) + (shop.paused ? "; sales are paused" : ""));
}

} // namespace

Patience patience_with(Trouble trouble) { return word_row(trouble).patience; }

// ---- trouble -------------------------------------------------------------------------------------------------------

std::vector<TroubleNews> TroubleWatch::look(std::span<const Symptom> seen, UnixSeconds now, SteadyTime at)
{
    for (const Symptom& symptom : seen) {
        const auto known = followed_.find(symptom.key());
        if (known == followed_.end()) {
            if (followed_.size() < kMostFollowed) followed_.emplace(symptom.key(), Followed{symptom.words, now, at});
            continue;
        }
        Followed& followed = known->second;
        if (!followed.here) followed.turned = at; // told, and it was gone for a moment only
        followed.here = true;
        if (!followed.told) followed.words = symptom.words;
    }
    std::vector<TroubleNews> news;
    for (auto each = followed_.begin(); each != followed_.end();) {
        const auto& key = each->first;
        Followed& followed = each->second;
        const Patience patience = patience_with(key.first);
        const auto tell = [&](What what) {
            news.push_back({what, {key.first, key.second, followed.words}, followed.since});
        };
        const bool here = std::ranges::any_of(seen, [&](const Symptom& symptom) { return symptom.key() == key; });
        if (followed.here && !here) {
            followed.here = false;
            followed.turned = at;
        }
        if (followed.here && !followed.told && at - followed.turned >= patience.begins) {
            followed.told = true;
            tell(What::begun);
        }
        const bool over = !followed.here && (!followed.told || at - followed.turned >= patience.ends);
        if (over && followed.told) tell(What::ended);
        each = over ? followed_.erase(each) : std::next(each);
    }
    return news;
}

std::vector<TroubleNews> TroubleWatch::lasting() const
{
    std::vector<TroubleNews> all;
    for (const auto& [key, followed] : followed_)
        if (followed.told) all.push_back({What::begun, {key.first, key.second, followed.words}, followed.since});
    std::ranges::stable_sort(all, {}, &TroubleNews::since);
    return all;
}

std::string TroubleWatch::dump() const
{
    nlohmann::json told = nlohmann::json::array();
    for (const TroubleNews& each : lasting())
        told.push_back({{"trouble", word_row(each.symptom.trouble).word},
                        {"about", each.symptom.about},
                        {"words", each.symptom.words},
                        {"since", each.since.count()}});
    return told.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void TroubleWatch::load(std::string_view json, SteadyTime at)
{
    const auto told = protocol::parse_json(json);
    if (!told || !told->is_array()) return;
    for (const nlohmann::json& each : *told) {
        const std::string* word = protocol::text_member(each, "trouble");
        const std::string* about = protocol::text_member(each, "about");
        const std::string* words = protocol::text_member(each, "words");
        const auto since = protocol::count_member(each, "since");
        if (!word || !about || !words || !since || followed_.size() >= kMostFollowed) continue;
        const auto row = std::ranges::find(kTroubles, *word, &TroubleWord::word);
        if (row == std::end(kTroubles)) continue;
        Followed followed{*words, UnixSeconds(static_cast<std::int64_t>(*since)), at};
        followed.told = true;
        followed_.emplace(std::pair(row->trouble, *about), std::move(followed));
    }
}

// ---- sales ---------------------------------------------------------------------------------------------------------

void SalesSum::add(const Sale& sale)
{
    only_ = count() == 0 ? std::optional(sale) : std::nullopt;
    total_ = capped_sum(total_, sale.price);
    switch (sale.method) {
    case session::Method::cashu:
        ++cashu_;
        break;
    case session::Method::lightning:
        ++lightning_;
        break;
    case session::Method::given: // paid for by nobody: nothing was sold
        break;
    }
}

void SalesSum::add(const SalesSum& other)
{
    if (other.count() == 0) return;
    only_ = count() == 0 ? other.only_ : std::nullopt;
    total_ = capped_sum(total_, other.total_);
    cashu_ += other.cashu_;
    lightning_ += other.lightning_;
}

std::string SalesSum::words() const
{
    if (only_)
        return std::to_string(only_->quantity) + " " + only_->unit + " for " + sat_words(only_->price) +
               (lightning_ > 0 ? ", by Lightning" : ", for ecash");
    std::string words = std::to_string(count()) + " sales for " + sat_words(total_);
    if (cashu_ > 0) words += ": " + std::to_string(cashu_) + " for ecash";
    if (lightning_ > 0) words += (cashu_ > 0 ? ", " : ": ") + std::to_string(lightning_) + " by Lightning";
    return words;
}

// ---- messages ------------------------------------------------------------------------------------------------------

std::string message_text(const Due& due, const ShopNow& shop, UnixSeconds now)
{
    std::vector<std::string> lines;
    for (const TroubleNews& news : due.news) lines.push_back(news_line(news, now));
    if (due.news_left_out > 0)
        lines.push_back("And " + std::to_string(due.news_left_out) + " more: adit listing status");
    if (due.sales.count() > 0) lines.push_back("Sold: " + due.sales.words());
    if (due.heartbeat) {
        lines.push_back("All is " + std::string(due.lasting.empty() ? "well" : "not well") + " at " + to_iso8601(now));
        for (const TroubleNews& each : due.lasting) lines.push_back(news_line(each, now));
        if (due.since_heartbeat.count() > 0) lines.push_back("Since the last time: " + due.since_heartbeat.words());
    }
    add_shop(lines, shop);
    std::string text;
    for (const std::string& line : lines) {
        if (text.size() + line.size() + 1 > kLongestText) break;
        text += (text.empty() ? "" : "\n") + line;
    }
    return text;
}

Notices::Notices(Seconds heartbeat, std::optional<UnixSeconds> last_heartbeat)
    : heartbeat_(heartbeat), last_heartbeat_(last_heartbeat)
{
}

void Notices::sold(const SalesSum& sales, SteadyTime at)
{
    if (sales.count() == 0) return;
    sales_.add(sales);
    since_heartbeat_.add(sales);
    if (!sales_due_) sales_due_ = std::max(at + kSalesGather, sales_not_before_);
}

bool Notices::look(std::span<const Symptom> seen, UnixSeconds now, SteadyTime at)
{
    const auto news = watch_.look(seen, now, at);
    for (const TroubleNews& each : news) {
        if (news_.size() < kMostNews)
            news_.push_back(each);
        else
            ++news_left_out_;
    }
    return !news.empty();
}

Due Notices::take(UnixSeconds now, SteadyTime at)
{
    Due due;
    if (!news_.empty() && at >= news_not_before_) {
        due.news = std::exchange(news_, {});
        due.news_left_out = std::exchange(news_left_out_, 0);
        news_not_before_ = at + kNewsPause;
    }
    if (sales_due_ && at >= *sales_due_) {
        due.sales = std::exchange(sales_, {});
        sales_due_.reset();
        const auto sales = static_cast<std::int64_t>(
            std::min<std::uint64_t>(due.sales.count(), static_cast<std::uint64_t>(kSalesPauseMost / kSalesPauseEach)));
        sales_not_before_ = at + kSalesPauseEach * sales;
    }
    if (heartbeat_due(now)) {
        due.heartbeat = true;
        due.since_heartbeat = std::exchange(since_heartbeat_, {});
        due.lasting = watch_.lasting();
        last_heartbeat_ = now;
    }
    return due;
}

/// A clock that was ahead when it was last kept must not silence us until it is caught up with.
bool Notices::heartbeat_due(UnixSeconds now)
{
    if (heartbeat_ == Seconds(0)) return false;
    if (last_heartbeat_ && *last_heartbeat_ > now) last_heartbeat_ = now;
    return !last_heartbeat_ || now - *last_heartbeat_ >= heartbeat_;
}

std::optional<SteadyTime> Notices::next() const
{
    std::optional<SteadyTime> next = sales_due_;
    if (!news_.empty()) next = next ? std::min(*next, news_not_before_) : news_not_before_;
    return next;
}

} // namespace adit::app
