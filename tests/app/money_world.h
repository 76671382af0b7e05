// tests/app/money_world.h - a wallet with money in it, somebody outside who is paid, and where every sat is afterwards.
#pragma once

#include "app/books.h"
#include "app/shop_world.h"
#include "base/hash.h"
#include "devnet/bolt11.h"
#include "payments/cashu/p2pk.h"

#include <nlohmann/json.hpp>

namespace adit::app {

using payments::Transfer;
using payments::TransferState;

inline constexpr std::uint64_t kFunds = 1000;

/// Somebody outside with a Lightning node, which the mint's payments reach.
class Receiver final : public payments::HttpClient {
public:
    explicit Receiver(ShopWorld& world) : world_(world), node_key_(world.rng.secret<32>())
    {
        world.mint.set_payer([this](const std::string& bolt11) -> std::optional<ByteArray<32>> {
            const auto known = preimages_.find(bolt11);
            if (known == preimages_.end() || !takes) return std::nullopt;
            ++paid_[bolt11];
            return known->second;
        });
    }
    ~Receiver() override { world_.mint.set_payer({}); }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    /// Its Lightning address: any name at 127.0.0.1. LUD-16
    Result<payments::HttpReply> call(const payments::HttpCall& call) override
    {
        const Error silence{Reason::mint_unreachable, "nothing came back"};
        if (!answers || (death && death->here("before the address is asked"))) return silence;
        const std::string metadata = R"([["text/plain","to ann"]])";
        std::string body = nlohmann::json{
            {"tag", "payRequest"},
            {"callback", "http://127.0.0.1:8/pay"},
            {"minSendable", 1000},
            {"maxSendable", 1'000'000'000},
            {"metadata",
             metadata}}.dump();
        if (const auto amount = call.url.find("amount="); amount != std::string::npos)
            body = nlohmann::json{{"pr", invoice(std::stoull(call.url.substr(amount + 7)) / 1000, Seconds(86'400),
                                                 sha256(as_bytes(metadata)))},
                                  {"routes", nlohmann::json::array()}}
                       .dump();
        if (death && death->here("after the address was asked")) return silence;
        return payments::HttpReply{200, body};
    }

    std::string invoice(std::uint64_t amount_sat, Seconds expiry = Seconds(86'400),
                        std::optional<ByteArray<32>> description_hash = {})
    {
        const ByteArray<32> preimage = world_.rng.bytes<32>();
        std::string bolt11 =
            devnet::encode_invoice({Msat(amount_sat * 1000), world_.clock.now(), expiry, sha256(preimage),
                                    world_.rng.bytes<32>(), "payout", description_hash},
                                   node_key_);
        preimages_[bolt11] = preimage;
        amounts_[bolt11] = amount_sat;
        return bolt11;
    }
    int paid(const std::string& bolt11) const
    {
        const auto found = paid_.find(bolt11);
        return found == paid_.end() ? 0 : found->second;
    }
    int payments() const
    {
        int all = 0;
        for (const auto& [bolt11, times] : paid_) all += times;
        return all;
    }
    std::uint64_t paid_sat() const
    {
        std::uint64_t all = 0;
        for (const auto& [bolt11, times] : paid_) all += amounts_.at(bolt11) * static_cast<std::uint64_t>(times);
        return all;
    }
    bool takes = true;   // payments
    bool answers = true; // at its address
    Death* death = nullptr;

private:
    ShopWorld& world_;
    SecretBytes<32> node_key_;
    std::map<std::string, ByteArray<32>> preimages_;
    std::map<std::string, std::uint64_t> amounts_;
    std::map<std::string, int> paid_;
};

/// 1000 sat in the wallet, as another client of it would have left them.
inline void fund_wallet(ShopWorld& world)
{
    const auto proofs = world.make_proofs({512, 256, 128, 64, 32, 4, 2, 1, 1},
                                          [&] { return payments::cashu::make_plain_secret(world.rng); });
    std::vector<store::WalletProof> held;
    for (const auto& proof : proofs) held.push_back({.mint = "https://mint.example", .proof = proof});
    ASSERT_TRUE(world.process->store->add_wallet_proofs(held).has_value());
}

enum class Ends { paid, failed };

/// The background goes on until nothing is open, and payments in flight come to their end.
inline void settle_transfers(ShopWorld& world, Ends in_flight = Ends::paid)
{
    for (int i = 0; i < 400; ++i) {
        world.process->transfer_keeper->step();
        const auto open = world.process->store->open_transfers();
        ASSERT_TRUE(open.has_value());
        if (open->empty()) return;
        world.clock.pass(Seconds(30));
        if (i >= 5)
            for (const std::string& melt : world.mint.pending_melts())
                world.mint.settle_melt(melt, in_flight == Ends::paid ? devnet::Mint::MeltEnd::paid
                                                                     : devnet::Mint::MeltEnd::failed);
    }
    ADD_FAILURE() << "a transfer never came to its end";
}

inline MintBooks books_of(ShopWorld& world)
{
    const auto rows = world.process->store->books(worth_of_token);
    EXPECT_TRUE(rows.has_value());
    if (!rows) return {};
    const Audit all = audit(*rows);
    for (const std::string& fault : all.faults) ADD_FAILURE() << fault;
    EXPECT_TRUE(all.balanced());
    EXPECT_EQ(all.mints.size(), 1U);
    if (all.mints.empty()) return {};
    EXPECT_EQ(all.mints.front().received(), all.mints.front().accounted());
    return all.mints.front();
}

inline std::vector<Transfer> transfers_of(ShopWorld& world)
{
    std::vector<Transfer> all;
    const auto lines = world.process->store->history(std::nullopt, 100);
    EXPECT_TRUE(lines.has_value());
    if (lines)
        for (const auto& line : *lines)
            if (line.transfer) all.push_back(*line.transfer);
    return all;
}

/// Nothing is anywhere but in the wallet and in `tokens_sat`, and the books say so.
inline void expect_everything_is_somewhere(ShopWorld& world, std::uint64_t tokens_sat, std::uint64_t paid_sat)
{
    const auto at_mint = world.mint.accounting();
    const std::uint64_t wallet = world.wallet(); // each proof is unspent at the mint
    EXPECT_EQ(at_mint.outstanding().count(), wallet + tokens_sat)
        << "what the mint owes is in the wallet or in a token";
    const MintBooks books = books_of(world);
    EXPECT_EQ(books.received(), kFunds);
    EXPECT_EQ(books.wallet, wallet);
    EXPECT_EQ(books.pending, 0U);
    EXPECT_EQ(books.spent_elsewhere, 0U);
    EXPECT_EQ(books.paid_out + books.refunds, tokens_sat + paid_sat);
    EXPECT_EQ(wallet + tokens_sat + paid_sat + books.fees, kFunds);
}

} // namespace adit::app
