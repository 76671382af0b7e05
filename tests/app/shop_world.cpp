#include "app/shop_world.h"

#include "base/log.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/p2pk.h"
#include "protocol/constants.h"
#include "wg/cidr.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

namespace adit::app {

namespace cashu = payments::cashu;

namespace {

constexpr std::string_view kMintUrl = "https://mint.example";
constexpr std::string_view kHost = "vpn.example";
constexpr std::string_view kListing = "exit-1";

const auto kSeed = cashu::mnemonic_seed(
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about");

template<typename T>
T must(Result<T> result)
{
    EXPECT_TRUE(result.has_value()) << (result.has_value() ? "" : result.error().detail);
    return std::move(result).value();
}

protocol::SecretKey key_of(std::string_view hex) { return must(protocol::SecretKey::parse_hex(hex)); }

Config make_config(const ShopWorld::Options& options, const std::filesystem::path& folder)
{
    Config config{.server = {},
                  .admin = {},
                  .database = {},
                  .wireguard = {},
                  .lightning = {},
                  .cashu = {},
                  .nostr = {{}, key_of("1111111111111111111111111111111111111111111111111111111111111111")},
                  .notifications = {},
                  .metrics = {},
                  .sessions = {},
                  .limits = {},
                  .listing = {},
                  .legacy_tag = protocol::LegacyTag::with};
    config.server.public_host = kHost;
    config.database.ours = folder / "state" / "adit.db";
    config.wireguard.endpoint_host = kHost;
    config.wireguard.subnet = must(wg::parse_cidr(options.subnet));
    config.wireguard.dns = {"10.66.42.1"};
    config.wireguard.preshared_keys = options.preshared_keys;
    config.wireguard.server_key = protocol::WireguardKey(ByteArray<32>{9, 9, 9});
    config.cashu.enabled = true;
    config.cashu.sales_key = key_of("2222222222222222222222222222222222222222222222222222222222222222");
    config.cashu.mints = {std::string(kMintUrl)};
    config.listing.d_tag = kListing;
    config.listing.title = "Exit One";
    config.listing.protocols = {"wireguard"};
    config.listing.prices = {{options.price, "sat", options.unit}};
    config.listing.max_purchase = options.max_purchase;
    return config;
}

} // namespace

// ---- the wire ------------------------------------------------------------------------------------------------------

Result<payments::HttpReply> MintWire::call(const payments::HttpCall& call)
{
    const Error silence{Reason::mint_unreachable, "nothing came back"};
    const std::string path = call.url.substr(call.url.find("/v1/"));
    if (path == "/v1/swap") ++swaps_;
    if (death_ && death_->here("before " + path)) return silence;
    const auto fault = mint_.strike(path);
    const devnet::Outcome outcome = mint_.serve(fault, call.method, path, call.body);
    if (death_ && death_->here("after " + path)) return silence;
    if (outcome.delivery != devnet::Delivery::whole) return silence;
    return payments::HttpReply{outcome.answer.status, outcome.answer.body};
}

// ---- the process ---------------------------------------------------------------------------------------------------

ShopWorld::Process::Process(ShopWorld& world, Death* death)
    : shop(world.config), mints(world.wire, world.config.cashu.mints, Milliseconds(1000), world.clock)
{
    world.wire.set_death(nullptr); // keysets are asked for in the background, whatever happens there
    EXPECT_TRUE(mints.all().front()->refresh().has_value());
    world.wire.set_death(death);
    store::CommitHooks hooks;
    if (death) {
        hooks.before_commit = [death](std::string_view step) {
            return death->here("before commit of " + std::string(step)) ? store::Fate::dies : store::Fate::lives;
        };
        hooks.after_commit = [death](std::string_view step) {
            return death->here("after commit of " + std::string(step)) ? store::Fate::dies : store::Fate::lives;
        };
    }
    auto opened = store::SqliteStore::open(world.config.database.ours,
                                           {.clock = world.clock, .rng = world.rng, .hooks = std::move(hooks)});
    if (!opened) {
        EXPECT_TRUE(death && death->dead()) << opened.error().detail;
        return;
    }
    store = std::move(*opened);
    pool = must(wg::AddressPool::open(world.config.wireguard.subnet, std::nullopt, {}, world.clock));
    tunnels.emplace(*store, world.device, *pool, world.clock, world.rng,
                    TunnelOptions{world.config.wireguard.preshared_keys, world.config.sessions.retention,
                                  world.config.wireguard.server_key});
    const auto loaded = tunnels->load();
    EXPECT_TRUE(loaded.has_value() || (death && death->dead()));
    tunnels->reconcile();
    std::map<cashu::KeysetId, std::uint64_t> counters;
    if (const auto known = store->counters())
        for (const auto& counter : *known) counters[counter.keyset] = counter.next;
    wallet_outputs.emplace(kSeed.duplicate(), std::move(counters));
    till.emplace(mints, world.config.cashu.sales_key->duplicate(), *wallet_outputs, *store, world.clock, world.rng);
    limits.emplace(world.config.limits, pool->size());
    recovery.emplace(*store, *till, in_flight, *limits, world.clock);
    const auto recovered = recovery->load();
    EXPECT_TRUE(recovered.has_value() || (death && death->dead()));
    purchases.emplace(Purchases::Parts{shop, *store, *till, *tunnels, in_flight, *limits, world.clock,
                                       [this](payments::PurchaseId id) { recovery->add(id); }});
}

ShopWorld::ShopWorld(Options options)
    : mint(clock, rng, {.fee_ppk = options.fee_ppk, .caching = devnet::Caching::off}),
      device(protocol::WireguardKey(ByteArray<32>{9, 9, 9})), folder([] {
          char name[] = "/tmp/adit-shop-XXXXXX";
          EXPECT_NE(::mkdtemp(name), nullptr);
          return std::filesystem::path(name);
      }()),
      config(make_config(options, folder))
{
    log_to_stderr(LogLevel::off); // a mint that refuses a thousand times is what is being tested
    restart();
}

ShopWorld::~ShopWorld()
{
    process.reset();
    std::filesystem::remove_all(folder);
}

void ShopWorld::restart(Death* death)
{
    process.reset();
    process = std::make_unique<Process>(*this, death);
}

// ---- buyers --------------------------------------------------------------------------------------------------------

std::vector<cashu::Proof> ShopWorld::make_proofs(std::vector<std::uint64_t> amounts,
                                                 const std::function<std::string()>& secret)
{
    const cashu::Keyset keyset = [&] {
        for (const cashu::Keyset& each : mint.keysets())
            if (each.active) return each;
        ADD_FAILURE() << "the mint has no active keyset";
        return cashu::Keyset{};
    }();
    std::vector<std::string> secrets;
    std::vector<cashu::Scalar> factors;
    std::vector<cashu::BlindedMessage> outputs;
    std::uint64_t total = 0;
    for (const std::uint64_t amount : amounts) {
        total += amount;
        secrets.push_back(secret());
        factors.push_back(cashu::random_scalar(rng));
        outputs.push_back({keyset.id, Sat(amount), must(cashu::blind(secrets.back(), factors.back()))});
    }
    const auto quoted = mint.handle("POST", "/v1/mint/quote/bolt11", cashu::encode_mint_quote(Sat(total), "sat"));
    const auto quote = must(cashu::parse_mint_quote(quoted.body));
    const auto minted = mint.handle("POST", "/v1/mint/bolt11", cashu::encode_mint(quote.id, outputs));
    const auto signatures = must(cashu::parse_signatures(minted.body));
    std::vector<cashu::Proof> proofs;
    for (std::size_t i = 0; i < signatures.size(); ++i) {
        auto dleq = signatures[i].dleq;
        if (dleq) {
            ByteArray<32> r{};
            std::ranges::copy(factors[i].expose(), r.begin());
            dleq->r = r;
        }
        proofs.push_back({keyset.id, Sat(amounts[i]), secrets[i],
                          must(cashu::unblind(signatures[i].c, factors[i], keyset.keys.at(Sat(amounts[i])))),
                          std::nullopt, dleq});
    }
    return proofs;
}

Buyer ShopWorld::buyer(std::vector<std::uint64_t> amounts)
{
    cashu::P2pkLock lock;
    lock.keys = {cashu::even_point(config.cashu.sales_key->public_key())};
    Buyer buyer{protocol::SecretKey::generate(rng),
                protocol::SecretKey::generate(rng),
                protocol::wireguard_public_key(protocol::generate_wireguard_secret(rng)),
                {},
                {},
                {}};
    buyer.proofs = make_proofs(std::move(amounts), [&] { return cashu::make_p2pk_secret(lock, rng); });
    buyer.token = cashu::encode_token({std::string(kMintUrl), "sat", std::nullopt, buyer.proofs});
    sign_request(buyer, buyer.key);
    return buyer;
}

void ShopWorld::sign_request(Buyer& buyer, const protocol::SecretKey& key)
{
    const auto draft =
        protocol::purchase_auth_draft({clock.now(),
                                       std::string(kHost),
                                       {protocol::kKindListing, config.nostr.key.public_key(), std::string(kListing)},
                                       config.listing.prices.front(),
                                       std::nullopt});
    buyer.request.method = "POST";
    buyer.request.path = "/purchase";
    buyer.request.headers = {{"authorization", protocol::encode_auth_header(protocol::sign_event(draft, key, rng))},
                             {"x-cashu", buyer.token}};
    buyer.request.body = protocol::encode_purchase_body({"wireguard", buyer.client_key, buyer.refund_key.public_key()});
    buyer.request.source = "198.51.100.7";
}

std::optional<std::string> Answered::header(std::string_view name) const
{
    for (const auto& [each, value] : response.headers)
        if (each == name) return value;
    return std::nullopt;
}

Answered ShopWorld::ask(const Buyer& buyer)
{
    const auto response = process->purchases->serve(buyer.request, [] { ADD_FAILURE() << "nobody else is asking"; });
    EXPECT_TRUE(response.has_value());
    Answered answered;
    answered.response = *response;
    answered.status = response->status;
    answered.answer = must(protocol::parse_purchase_answer(response->status, response->body));
    return answered;
}

Answered ShopWorld::insist(const Buyer& buyer)
{
    for (int i = 0; i < 200; ++i) {
        Answered answered = ask(buyer);
        if (answered.status < 500 && answered.status != 429) return answered;
        clock.pass(Seconds(10));
        process->recovery->step();
        process->tunnels->step();
    }
    ADD_FAILURE() << "no answer for good in 2000 s";
    return {};
}

// ---- where the money is --------------------------------------------------------------------------------------------

std::uint64_t ShopWorld::spent_of(const Buyer& buyer) const
{
    std::uint64_t spent = 0;
    for (const cashu::Proof& proof : buyer.proofs)
        if (mint.state_of(cashu::proof_y(proof.secret).hex()) == cashu::ProofState::spent)
            spent += proof.amount.count();
    return spent;
}

std::uint64_t ShopWorld::wallet()
{
    std::uint64_t sats = 0;
    for (const auto& each : must(process->store->wallet_proofs(store::ProofState::unspent))) {
        EXPECT_EQ(mint.state_of(cashu::proof_y(each.proof.secret).hex()), cashu::ProofState::unspent);
        sats += each.proof.amount.count();
    }
    return sats;
}

std::uint64_t ShopWorld::worth(const std::string& token)
{
    std::uint64_t sats = 0;
    for (const cashu::Proof& proof : must(cashu::parse_token(token)).proofs) {
        EXPECT_EQ(mint.state_of(cashu::proof_y(proof.secret).hex()), cashu::ProofState::unspent);
        sats += proof.amount.count();
    }
    return sats;
}

} // namespace adit::app
