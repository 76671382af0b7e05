#include "app/shop_world.h"

#include "base/log.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/p2pk.h"
#include "protocol/constants.h"
#include "wg/cidr.h"

#include <cstdlib>

namespace adit::app {

namespace cashu = payments::cashu;

namespace {

constexpr std::string_view kMintUrl = "https://mint.example";
constexpr std::string_view kHost = "vpn.example";
constexpr std::string_view kListing = "exit-1";
constexpr const char* kPayUrl = "https://vpn.example/lnurlp";

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
    config.wireguard.endpoint_port = 51820;
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
    config.listing.payments.emplace_back(
        protocol::CashuPayment{std::string(kMintUrl), cashu::even_point(config.cashu.sales_key->public_key()).hex(),
                               "https://vpn.example/purchase"});
    if (options.lightning) {
        config.lightning.enabled = true;
        config.lightning.backend = LightningBackend::lnd;
        config.lightning.hold = *options.lightning == fakes::FakeLightning::Way::hold;
        config.listing.payments.emplace_back(protocol::LightningPayment{kPayUrl, "lnurl-pay"});
    }
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
    if (!withheld_.empty() && path.ends_with(withheld_))
        return payments::HttpReply{400, R"({"detail":"keyset is not known","code":12001})"};
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
    const auto refreshed = mints.all().front()->refresh();
    EXPECT_TRUE(refreshed.has_value() || refreshed.error().reason == Reason::mint_refused);
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
                                  world.config.wireguard.server_key, world.keeper});
    const auto loaded = tunnels->load();
    EXPECT_TRUE(loaded.has_value() || (death && death->dead()));
    gifts.emplace(Gifts::Parts{shop, *store, *tunnels, world.clock});
    const auto ungiven = gifts->load();
    EXPECT_TRUE(ungiven.has_value() || (death && death->dead()));
    tunnels->reconcile();
    if (world.seed_from_elsewhere) {
        const auto named = store->use_seed(payments::seed_fingerprint(kSeed), store::SeedAge::from_before);
        EXPECT_TRUE(named.has_value() || (death && death->dead()));
    }
    std::map<cashu::KeysetId, std::uint64_t> counters;
    if (const auto known = store->counters())
        for (const auto& counter : *known) counters[counter.keyset] = counter.next;
    wallet_outputs.emplace(kSeed.duplicate(), std::move(counters));
    if (world.seed_from_elsewhere) {
        seed_scan.emplace(SeedScan::Parts{*store, *wallet_outputs, mints});
        auto waiting = seed_scan->load();
        EXPECT_TRUE(waiting.has_value() || (death && death->dead()));
        if (waiting) to_scan = std::move(*waiting);
    }
    till.emplace(mints, all_sales_keys(world.config.cashu), *wallet_outputs, *store, world.clock, world.rng);
    transfers.emplace(payments::Transfers::Parts{mints, world.config.cashu.sales_key->public_key(), *wallet_outputs,
                                                 *store, *store, world.clock, world.rng,
                                                 [&world] { return world.wallet_keys(); }});
    transfer_keeper.emplace(*store, *transfers, world.clock);
    const auto taken = transfer_keeper->load();
    EXPECT_TRUE(taken.has_value() || (death && death->dead()));
    refunds.emplace(Refunds::Parts{*store, *tunnels, pay_by(*transfers), world.clock});
    const auto owed = refunds->load();
    EXPECT_TRUE(owed.has_value() || (death && death->dead()));
    closings.emplace(Closings::Parts{shop, *store, *refunds, world.clock});
    limits.emplace(world.config.limits, pool->size());
    recovery.emplace(*store, *till, in_flight, *limits, world.clock, metrics);
    const auto recovered = recovery->load();
    EXPECT_TRUE(recovered.has_value() || (death && death->dead()));
    purchases.emplace(Purchases::Parts{shop, *store, *till, *tunnels, in_flight, *limits, world.clock,
                                       [this](payments::PurchaseId id) { recovery->add(id); }, metrics});
    if (!world.lightning) return;
    world.lightning->on_call = [death](const std::string& what) { return !(death && death->here(what)); };
    lightning_node.emplace(*world.lightning);
    invoice_limits.emplace(world.config.limits, pool->size());
    settlements.emplace(Settlements::Parts{shop, *store, *lightning_node, *tunnels, *invoice_limits, &*till, workers,
                                           world.clock, metrics});
    const auto taken_up = settlements->load();
    EXPECT_TRUE(taken_up.has_value() || (death && death->dead()));
    lightning_sale.emplace(LightningSale::Parts{
        shop, *store, *lightning_node, *tunnels, *invoice_limits, world.clock, world.rng,
        [this](payments::PurchaseId id, const store::Invoice& invoice) { settlements->add(id, invoice); },
        [this](payments::PurchaseId id) { settlements->ask_for(id); }, metrics});
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
    if (options.lightning) lightning.emplace(*options.lightning, clock, rng);
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

void ShopWorld::restart_from_words(Death* death)
{
    process.reset();
    std::filesystem::remove_all(folder / "state");
    seed_from_elsewhere = true;
    restart(death);
}

bool ShopWorld::scan()
{
    if (!process->seed_scan) return false;
    for (payments::Mint* each : process->to_scan) {
        if (each->unscanned().none()) continue;
        // What went wrong shows in what the mint still awaits.
        [[maybe_unused]] const auto done = process->seed_scan->scan(*each);
    }
    return std::ranges::all_of(process->to_scan, [](const payments::Mint* each) { return each->unscanned().none(); });
}

Result<std::vector<protocol::SecretKey>> ShopWorld::wallet_keys() const
{
    std::vector<protocol::SecretKey> keys;
    keys.push_back(key_of("3333333333333333333333333333333333333333333333333333333333333333"));
    return keys;
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

// ---- payers by Lightning -------------------------------------------------------------------------------------------

namespace {

http::Request get(const std::string& url)
{
    http::Request request;
    request.method = "GET";
    request.source = "198.51.100.8";
    const auto question = url.find('?');
    if (question == std::string::npos) return request;
    std::string_view rest = std::string_view(url).substr(question + 1);
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        const auto equals = pair.find('=');
        request.query.emplace_back(std::string(pair.substr(0, equals)), std::string(pair.substr(equals + 1)));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return request;
}

/// What a wallet makes of an answer: the thing itself, or the word of the refusal.
template<typename T>
Result<T> wallets_view(Result<std::variant<T, protocol::LnurlError>> parsed)
{
    auto said = must(std::move(parsed));
    if (auto* error = std::get_if<protocol::LnurlError>(&said))
        return Error{protocol::parse_reason(error->reason).value_or(Reason::internal), error->reason};
    return std::move(std::get<T>(said));
}

} // namespace

Payer ShopWorld::payer(bool with_refund_key)
{
    Payer payer{.client_key = protocol::wireguard_public_key(protocol::generate_wireguard_secret(rng))};
    if (with_refund_key) payer.refund_key = protocol::SecretKey::generate(rng).public_key();
    return payer;
}

Result<void> ShopWorld::ask_invoice(Payer& payer, std::uint64_t quantity)
{
    std::string url = std::string(kPayUrl) + "?p=0&q=" + std::to_string(quantity) +
                      "&client_pubkey=" + encode_base64url(payer.client_key.bytes());
    if (payer.refund_key) url += "&refund_pubkey=" + payer.refund_key->hex();
    const auto offer = TRY(wallets_view(protocol::parse_pay_request(process->lightning_sale->offer(get(url)).body)));
    EXPECT_EQ(offer.min_sendable, offer.max_sendable);
    const std::string callback = offer.callback + "&amount=" + std::to_string(offer.min_sendable.count());
    payer.answer = TRY(wallets_view(protocol::parse_pay_answer(process->lightning_sale->invoice(get(callback)).body)));
    const auto invoice = must(payments::lightning::parse_bolt11(payer.answer.pr));
    EXPECT_EQ(invoice.amount, offer.min_sendable);
    EXPECT_EQ(invoice.description_hash, sha256(as_bytes(offer.metadata)));
    payer.hash = invoice.payment_hash;
    return {};
}

protocol::ClientConfig ShopWorld::open_config(const Payer& payer)
{
    const SecretBytes<32> preimage{ByteArray<32>(lightning->preimage(payer.hash))};
    const std::string text = must(protocol::open_aes(preimage, *payer.answer.action));
    return must(protocol::parse_config(must(protocol::config_of_plaintext(text))));
}

void ShopWorld::attend()
{
    for (const auto& open : must(process->store->open_invoices()))
        if (open.state != session::State::reserved) process->settlements->attend(open.purchase);
}

void ShopWorld::attend_for(Seconds most)
{
    for (Seconds passed{0}; passed < most; passed += Seconds(10)) {
        attend();
        if (must(process->store->open_invoices()).empty()) return;
        clock.pass(Seconds(10));
        process->tunnels->step();
    }
}

protocol::VerifyAnswer ShopWorld::verify(const Payer& payer)
{
    http::Request request = get("");
    request.parameters.emplace_back("payment_hash", encode_hex(payer.hash));
    return must(wallets_view(protocol::parse_verify_answer(process->lightning_sale->verify(request).body)));
}

session::State ShopWorld::state_of(const Payer& payer)
{
    const auto found = must(process->store->invoice(payer.hash));
    EXPECT_TRUE(found.has_value());
    return found ? found->purchase.state : session::State::received;
}

bool ShopWorld::has_tunnel_of(const protocol::WireguardKey& key, const protocol::ClientConfig& client)
{
    for (const auto& peer : must(device.status()).peers) {
        if (peer.key != key) continue;
        std::vector<std::string> texts;
        for (const auto& allowed : peer.allowed_ips)
            texts.push_back(allowed.address.text() + "/" + std::to_string(allowed.prefix));
        if (texts != client.addresses) return false;
        const auto secret = device.preshared_key(key);
        if (!client.preshared_key) return true;
        return secret && std::ranges::equal(*secret, client.preshared_key->expose());
    }
    return false;
}

// ---- the operator --------------------------------------------------------------------------------------------------

Result<nlohmann::json> ShopWorld::command(std::string_view name, const nlohmann::json& request)
{
    const AdminCommands commands = session_commands(
        {process->shop, *process->store, *process->tunnels, *process->gifts, &*process->refunds, clock});
    const std::string answer = TRY(commands.find(name)->second(request));
    return nlohmann::json::parse(answer);
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
