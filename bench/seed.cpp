#include "bench/seed.h"

#include "bench/report.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/mint_json.h"
#include "payments/cashu/p2pk.h"
#include "store/sqlite_store.h"

#include <atomic>
#include <thread>

namespace adit::bench {

namespace cashu = payments::cashu;

namespace {

constexpr std::size_t kThreads = 64; // their steps share transactions
constexpr std::size_t kProofsPerEvent = 40;
constexpr std::uint64_t kAmounts[] = {4, 32, 64};
constexpr std::int64_t kMonth = 30 * 86400;

std::string address(std::size_t number)
{
    const std::size_t host = number + 2;
    return "10.64." + std::to_string(host / 256) + "." + std::to_string(host % 256);
}

class Seller {
public:
    Seller(store::Store& store, const SeedPlan& plan) : store_(store), plan_(plan) {}

    /// Points that stand for promises: the curve is not asked again for each of 30,000.
    const cashu::Point promise = cashu::proof_y("a promise");
    const protocol::PublicKey buyer = protocol::SecretKey::generate(system_rng()).public_key();

    void sell(std::size_t number) const
    {
        const auto now = plan_.activated_at(number);
        const auto proofs = make_proofs();
        store::NewPurchase purchase{
            .event_id = system_rng().bytes<32>(), .auth_key = buyer, .client_key = client_key()};
        purchase.listing = "exit-1";
        purchase.tier_amount = "100";
        purchase.tier_unit = "month";
        purchase.quantity = 1;
        purchase.grant = {session::GrantClass::time, kMonth};
        purchase.price = purchase.paid = Sat(100);
        purchase.mint = plan_.mint;
        purchase.ys = ys_of(make_proofs());
        purchase.now = now;
        const store::Lease lease{address(number), std::nullopt, std::nullopt};
        const auto held = must(store_.reserve(purchase, &lease));
        const auto swap = must(store_.begin_swap(held.purchase, intent(number, purchase.ys, proofs)));
        must(store_.mark_redeemed(held.purchase, swap, {proofs, std::nullopt}));
        must(store_.mark_active(held.purchase, {encode_hex(system_rng().bytes<16>()), now}));
    }

private:
    static protocol::WireguardKey client_key()
    {
        return protocol::wireguard_public_key(protocol::generate_wireguard_secret(system_rng()));
    }

    std::vector<cashu::Proof> make_proofs() const
    {
        std::vector<cashu::Proof> proofs;
        for (const std::uint64_t amount : kAmounts)
            proofs.push_back(
                {plan_.keyset, Sat(amount), cashu::make_plain_secret(system_rng()), promise, std::nullopt,
                 cashu::Dleq{system_rng().bytes<32>(), system_rng().bytes<32>(), system_rng().bytes<32>()}});
        return proofs;
    }

    static std::vector<cashu::Point> ys_of(const std::vector<cashu::Proof>& proofs)
    {
        std::vector<cashu::Point> ys;
        for (const cashu::Proof& proof : proofs) ys.push_back(cashu::proof_y(proof.secret));
        return ys;
    }

    payments::SwapIntent intent(std::size_t number, const std::vector<cashu::Point>& inputs,
                                const std::vector<cashu::Proof>& proofs) const
    {
        payments::SwapIntent out{payments::SwapPurpose::redeem, plan_.mint, {}, inputs, {}};
        std::vector<cashu::BlindedMessage> messages;
        std::uint64_t counter = number * std::size(kAmounts);
        for (const cashu::Proof& proof : proofs) {
            messages.push_back({plan_.keyset, proof.amount, promise});
            out.outputs.push_back({payments::OutputOwner::wallet, messages.back(), proof.secret,
                                   cashu::random_scalar(system_rng()), counter++});
        }
        out.body = cashu::encode_swap(proofs, messages);
        return out;
    }

    store::Store& store_;
    const SeedPlan& plan_;
};

} // namespace

void fill(store::Store& store, const SeedPlan& plan)
{
    const Seller seller(store, plan);
    std::atomic<std::size_t> next = 0;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i)
        threads.emplace_back([&] {
            for (std::size_t number = next++; number < plan.sessions; number = next++) seller.sell(number);
        });
    for (std::thread& thread : threads) thread.join();
    for (;;) {
        const auto proofs = must(store.unpublished_proofs(kProofsPerEvent));
        if (proofs.empty()) return;
        std::vector<cashu::Point> ys;
        for (const store::WalletProof& each : proofs) ys.push_back(cashu::proof_y(each.proof.secret));
        must(store.record_token_event(system_rng().bytes<32>(), ys, {}));
    }
}

void fill_with_sessions(const Market& market, const payments::cashu::KeysetId& keyset)
{
    const auto store = must(store::SqliteStore::open(market.database, {}));
    const UnixSeconds now = system_clock().now();
    fill(*store, {.keyset = keyset, .mint = market.mint_url, .activated_at = [now](std::size_t number) {
                      return now - Seconds(static_cast<std::int64_t>(number));
                  }});
}

} // namespace adit::bench
