// tests/cli/market_world.h - a marketplace for a buyer to be tried in: relay and mint, a real shop in this process, and
// a network that can be told to die.
#pragma once

#include "app/app.h"
#include "cli/buyer.h"
#include "cli/market.h"
#include "devnet/world.h"
#include "payments/cashu/p2pk.h"
#include "payments/cashu/token.h"

#include <atomic>
#include <filesystem>
#include <gtest/gtest.h>

namespace adit::cli {

namespace cashu = payments::cashu;

template<typename T>
T must(Result<T> result)
{
    EXPECT_TRUE(result.has_value()) << (result.has_value() ? "" : result.error().detail);
    return std::move(result).value();
}

/// The system's, moved.
class MovedClock final : public Clock {
public:
    UnixSeconds now() const override { return system_clock().now() + Seconds(moved_s_); }
    SteadyTime steady() const override { return system_clock().steady(); }
    void move(Seconds by) { moved_s_ += by.count(); }

private:
    std::atomic<std::int64_t> moved_s_{0};
};

/// When the buyer's process ends: at the n-th of all moments (from 1) before and after each write of the purchase file
/// and each request. 0: never.
class Death {
public:
    explicit Death(int at = 0) : at_(at) {}
    /// True from the n-th moment on.
    bool here(const std::string& what)
    {
        if (!dead_ && ++passed_ == at_) {
            dead_ = true;
            where_ = what;
        }
        return dead_;
    }
    bool dead() const { return dead_; }
    const std::string& where() const { return where_; }

private:
    const int at_;
    int passed_ = 0;
    bool dead_ = false;
    std::string where_;
};

/// libcurl, up to the buyer's death; and, where a test wants, an operator who is none.
class Network final : public payments::HttpClient {
public:
    using Operator = std::function<std::optional<payments::HttpReply>(const payments::HttpCall&)>;
    Result<payments::HttpReply> call(const payments::HttpCall& call) override;
    void set_death(Death* death) { death_ = death; }
    /// Asked first for every request with a token; none: the real one answers.
    void set_operator(Operator pretended) { operator_ = std::move(pretended); }
    /// The bodies and authorizations of every purchase sent with a token.
    std::vector<std::pair<std::string, std::string>> purchases;

private:
    payments::CurlHttpClient curl_;
    Death* death_ = nullptr;
    Operator operator_;
};

class QuietReporter final : public Reporter {
public:
    void say(const std::string& line) override { said += line + "\n"; }
    void progress(const std::string&) override {}
    void show_invoice(const std::string& bolt11, Sat, std::optional<UnixSeconds>) override
    {
        if (on_invoice) on_invoice(bolt11);
    }
    void pause(Milliseconds) override;
    std::string said;
    std::function<void(const std::string& bolt11)> on_invoice;
};

class MarketWorld {
public:
    explicit MarketWorld(std::uint64_t fee_ppk = 100);
    ~MarketWorld();

    /// The shop's listing, as the relay has it.
    Offer offer(std::uint64_t quantity = 2);
    /// Paid for, unlocked unless `lock` says to whom.
    std::string token(std::uint64_t amount, const std::optional<cashu::P2pkLock>& lock = {});
    std::vector<cashu::Proof> proofs(std::uint64_t amount, const std::optional<cashu::P2pkLock>& lock = {});
    /// Written to a new file, as `adit buy` does it.
    Record begin(std::optional<std::string> token = {}, std::uint64_t quantity = 2);
    Record reload() { return must(load_record(file)); }
    Buyer::Outcome go_on(Record& record, Death* death, Seconds patience);
    Result<bool> redeem(Record& record, Death* death, Seconds patience);

    /// Of all ecash that the buyer could get hold of by the file: unspent at the mint.
    Sat in_file(const Record& record);
    Sat unspent(const std::string& token);
    Sat outstanding() { return world->mint().accounting().outstanding(); }
    std::string relay_url() const { return world->relay_url(); }

    std::filesystem::path folder;
    std::filesystem::path file;
    MovedClock clock;
    Network network;
    QuietReporter reporter;
    std::unique_ptr<devnet::World> world;
    std::uint16_t port;
    std::unique_ptr<app::App> shop;

private:
    int files_ = 0;
};

} // namespace adit::cli
