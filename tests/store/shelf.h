// tests/store/shelf.h - a store on a real file in a folder of its own, a clock that stands, and rows to put in.
#pragma once

#include "fakes/seeded_rng.h"
#include "payments/cashu/curve.h"
#include "store/sqlite_store.h"

#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>

namespace adit::store {

using namespace std::chrono_literals;
using payments::OutputOwner;
using payments::SwapIntent;
using payments::SwapPurpose;

class StandingClock : public Clock {
public:
    UnixSeconds now() const override { return UnixSeconds(seconds_); }
    SteadyTime steady() const override { return SteadyTime(Seconds(seconds_)); }
    void advance(Seconds length) { seconds_ += length.count(); }

private:
    std::atomic<std::int64_t> seconds_{1'700'000'000};
};

class Folder {
public:
    Folder()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "adit-store-XXXXXX").string();
        EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
        path_ = pattern;
    }
    ~Folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

template<typename T>
T good(Result<T> result)
{
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().detail);
    return std::move(result).value();
}
inline void good(const Result<void>& result)
{
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().detail);
}

template<typename T>
std::optional<Reason> reason(const Result<T>& result)
{
    if (result) return std::nullopt;
    return result.error().reason;
}

inline Point y_of(const std::string& secret) { return payments::cashu::proof_y(secret); }
inline std::vector<Point> ys(std::initializer_list<const char*> secrets)
{
    std::vector<Point> points;
    for (const char* secret : secrets) points.push_back(y_of(secret));
    return points;
}
inline protocol::EventId event_id(std::uint8_t n)
{
    protocol::EventId id{};
    id.fill(n);
    return id;
}
inline protocol::WireguardKey client(std::uint32_t n)
{
    ByteArray<32> bytes{};
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(n >> (8 * i));
    bytes[31] = 0x55;
    return protocol::WireguardKey(bytes);
}
inline protocol::PublicKey auth_key(std::uint8_t n)
{
    fakes::SeededRng rng(n);
    return protocol::SecretKey::generate(rng).public_key();
}
inline Lease address(const std::string& text) { return Lease{text, std::nullopt, std::nullopt}; }

inline Proof proof(const std::string& secret, std::uint64_t amount = 8)
{
    return Proof{"00aa", Sat(amount), secret, y_of("c" + secret), std::nullopt, std::nullopt};
}
inline payments::Output output(const std::string& secret, std::optional<std::uint64_t> counter,
                               const std::string& keyset = "00aa")
{
    fakes::SeededRng rng(secret.size());
    return {counter ? OutputOwner::wallet : OutputOwner::buyer,
            {keyset, Sat(8), y_of("b" + secret)},
            secret,
            payments::cashu::random_scalar(rng),
            counter};
}
inline SwapIntent redeem(std::initializer_list<const char*> inputs, std::uint64_t first_counter)
{
    SwapIntent intent;
    intent.mint = "https://mint.example";
    intent.body = R"({"inputs":[]})";
    intent.inputs = ys(inputs);
    intent.outputs.push_back(output("mine" + std::to_string(first_counter), first_counter));
    intent.outputs.push_back(output("change" + std::to_string(first_counter), std::nullopt));
    return intent;
}
inline SwapIntent refund(std::initializer_list<const char*> inputs)
{
    SwapIntent intent;
    intent.purpose = SwapPurpose::refund;
    intent.mint = "https://mint.example";
    intent.body = "{}";
    intent.inputs = ys(inputs);
    intent.outputs.push_back(output("refund", std::nullopt));
    return intent;
}

class StoreTest : public testing::Test {
protected:
    StoreTest() { open(); }

    void open(CommitHooks hooks = {})
    {
        store_.reset(); // the lock is free first
        store_ = good(SqliteStore::open(file(), {.clock = clock_, .rng = rng_, .hooks = std::move(hooks)}));
    }
    std::filesystem::path file() const { return folder_.path() / "db" / "adit.db"; }
    Store& store() { return *store_; }

    NewPurchase order(std::uint8_t event, std::initializer_list<const char*> secrets, std::uint32_t key = 1) const
    {
        NewPurchase purchase{.auth_key = auth_key(1), .client_key = client(key)};
        purchase.event_id = event_id(event);
        purchase.listing = "vpn";
        purchase.tier_amount = "10";
        purchase.tier_unit = "hour";
        purchase.quantity = 2;
        purchase.grant = {session::GrantClass::time, 7200};
        purchase.price = Sat(20);
        purchase.paid = Sat(24);
        purchase.mint = "https://mint.example";
        purchase.ys = ys(secrets);
        purchase.now = clock_.now();
        return purchase;
    }
    PurchaseId reserved(const NewPurchase& purchase, const std::string& at = "10.8.0.2")
    {
        const Lease candidate = address(at);
        return good(store().reserve(purchase, &candidate)).purchase;
    }
    PurchaseId redeemed(const NewPurchase& purchase, std::uint64_t counter, const std::string& at = "10.8.0.2")
    {
        const auto id = reserved(purchase, at);
        const auto swap = good(store().begin_swap(id, redeem({"in"}, counter)));
        good(store().mark_redeemed(id, swap, {{proof("proof" + std::to_string(counter))}, std::nullopt}));
        return id;
    }
    Activated activated(PurchaseId id, const std::string& session_id)
    {
        return good(store().mark_active(id, {session_id, clock_.now()}));
    }
    session::State state_of(PurchaseId id) { return good(store().purchase(id)).state; }
    /// When the address rests until; none while it is held. Fails where it is not taken at all.
    std::optional<UnixSeconds> rest_of(const std::string& text)
    {
        for (const auto& taken : good(store().taken_addresses()))
            if (taken.address == text) return taken.rests_until;
        ADD_FAILURE() << text << " is nobody's";
        return std::nullopt;
    }

    StandingClock clock_;
    fakes::SeededRng rng_;
    Folder folder_;
    std::unique_ptr<SqliteStore> store_;
};

} // namespace adit::store
