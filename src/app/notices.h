// app/notices.h - what is worth telling the operator, and when: functions of what is seen and of time, without I/O.
// spec: Notifications
#pragma once

#include "base/money.h"
#include "base/time.h"
#include "session/state.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace adit::app {

// ---- trouble -------------------------------------------------------------------------------------------------------

enum class Trouble {
    mint_silent,
    lightning_down,
    listing_missing,
    pool_nearly_full,
    keyset_expiring,
    disk_filling,
    purchase_owed,
};

/// What is wrong at one moment.
struct Symptom {
    Trouble trouble;
    std::string about = {}; // a mint, a relay, a keyset, a purchase's number; "" where there can be only one
    std::string words = {}; // for the operator: what is seen and what to do, whole sentences

    auto key() const { return std::pair(trouble, about); }
};

/// How long trouble must last before it is told, and be gone before its end is.
struct Patience {
    Seconds begins;
    Seconds ends;
};
Patience patience_with(Trouble trouble);

struct TroubleNews {
    enum class What { begun, ended };
    What what;
    Symptom symptom;   // of an end: as it was told
    UnixSeconds since; // when it was first seen
};

/// Each trouble is told once when it has lasted, and once when it has been gone for a while. What comes and goes in
/// between is not told.
class TroubleWatch {
public:
    /// `seen`: all that is wrong now; of more than 200 at once the rest is not followed.
    std::vector<TroubleNews> look(std::span<const Symptom> seen, UnixSeconds now, SteadyTime at);
    /// What was told and has not ended, oldest first.
    std::vector<TroubleNews> lasting() const;

    /// What was told, as JSON for the store, so that a restart tells neither its beginning again nor its end never.
    std::string dump() const;
    /// Into a watch that has not looked yet; what can not be read is forgotten.
    void load(std::string_view json, SteadyTime at);

private:
    struct Followed {
        std::string words;
        UnixSeconds since;
        SteadyTime turned; // when it was first seen, or first not seen any more
        bool here = true;
        bool told = false;
    };
    std::map<std::pair<Trouble, std::string>, Followed> followed_;
};

// ---- sales ---------------------------------------------------------------------------------------------------------

struct Sale {
    session::Method method;
    Sat price;
    std::uint64_t quantity;
    std::string unit;
};

/// Any number of sales in a few bytes, so that none has to wait for room.
class SalesSum {
public:
    void add(const Sale& sale);
    void add(const SalesSum& other);
    std::uint64_t count() const { return cashu_ + lightning_; }
    Sat total() const { return total_; }
    /// "2 hour for 200 sat, by Lightning"; "12 sales for 1450 sat: 10 for ecash, 2 by Lightning".
    std::string words() const;

private:
    std::uint64_t cashu_ = 0;
    std::uint64_t lightning_ = 0;
    Sat total_; // stays at the largest number, should it ever get there
    std::optional<Sale> only_;
};

// ---- messages ------------------------------------------------------------------------------------------------------

/// How the shop stands, for the message that goes out now.
struct ShopNow {
    struct Balance {
        std::string mint;
        Sat worth;
    };
    std::vector<Balance> wallet = {};           // of each mint
    std::optional<std::string> lightning = {};  // "answers", "does not answer"; none: not configured
    std::optional<Sat> taken_by_lightning = {}; // all that was ever sold
    std::size_t sessions = 0;
    bool paused = false;
};

/// What goes into one message.
struct Due {
    std::vector<TroubleNews> news = {};
    std::size_t news_left_out = 0;
    SalesSum sales = {};
    bool heartbeat = false;
    SalesSum since_heartbeat = {};         // with a heartbeat
    std::vector<TroubleNews> lasting = {}; // with a heartbeat

    bool any() const { return !news.empty() || sales.count() > 0 || heartbeat; }
};

/// A few lines of plain text, 4000 bytes at most.
std::string message_text(const Due& due, const ShopNow& shop, UnixSeconds now);

/// When what is told: at once where it is rare, together where it is much. Not thread-safe.
///  - A sale waits 5 s for others. After a message of n sales the next one waits n minutes, an hour at most.
///  - News of trouble is told at once, but there is at least a minute between two such messages.
///  - A heartbeat comes every `heartbeat` by the wall clock, at once where there was none.
class Notices {
public:
    /// `heartbeat` 0: never. `last_heartbeat`: before this process.
    Notices(Seconds heartbeat, std::optional<UnixSeconds> last_heartbeat);

    TroubleWatch& watch() { return watch_; }
    void sold(const SalesSum& sales, SteadyTime at);
    /// True: the watch has something new to be kept.
    bool look(std::span<const Symptom> seen, UnixSeconds now, SteadyTime at);
    /// What is to be told at this moment; it is not given again.
    Due take(UnixSeconds now, SteadyTime at);
    /// When sales or news are due next; none: there are none.
    std::optional<SteadyTime> next() const;

private:
    bool heartbeat_due(UnixSeconds now);

    Seconds heartbeat_;
    std::optional<UnixSeconds> last_heartbeat_;
    TroubleWatch watch_;
    std::vector<TroubleNews> news_;
    std::size_t news_left_out_ = 0;
    SteadyTime news_not_before_{};
    SalesSum sales_;
    SalesSum since_heartbeat_;
    std::optional<SteadyTime> sales_due_;
    SteadyTime sales_not_before_{};
};

} // namespace adit::app
