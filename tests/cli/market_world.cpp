#include "cli/market_world.h"

#include "app/config.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/find_listing.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/mint_json.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace adit::cli {

namespace {

std::uint16_t free_port()
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), length), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
    ::close(fd);
    return ntohs(address.sin_port);
}

void write(const std::filesystem::path& path, const std::string& text)
{
    EXPECT_TRUE(write_private_file(path, text).has_value());
}

} // namespace

Result<payments::HttpReply> Network::call(const payments::HttpCall& call)
{
    const auto gone = [] { return Error{Reason::mint_unreachable, "dead"}; };
    const auto token = std::ranges::find(call.headers, "X-Cashu", [](const auto& header) { return header.first; });
    const std::string what = call.method + " " + call.url.substr(std::min(call.url.size(), call.url.find('/', 8)));
    if (death_ && death_->here("before " + what)) return gone();
    std::optional<payments::HttpReply> pretended;
    if (token != call.headers.end()) {
        const auto auth =
            std::ranges::find(call.headers, "Authorization", [](const auto& header) { return header.first; });
        purchases.emplace_back(auth->second, token->second + call.body);
        if (operator_) pretended = operator_(call);
    }
    auto reply = pretended ? Result<payments::HttpReply>(*pretended) : curl_.call(call);
    if (death_ && death_->here("after " + what)) return gone();
    return reply;
}

void QuietReporter::pause(Milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

MarketWorld::MarketWorld(std::uint64_t fee_ppk) : port(free_port())
{
    log_to_stderr(LogLevel::error); // the shop's daily words
    char name[] = "/tmp/adit-cli-XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    folder = name;
    devnet::WorldOptions options;
    options.mint.fee_ppk = fee_ppk;
    world = must(devnet::World::start(options, clock));

    auto& rng = system_rng();
    const auto nsec = protocol::SecretKey::generate(rng);
    const auto sales = protocol::SecretKey::generate(rng);
    write(folder / "nsec", encode_hex(nsec.expose()));
    write(folder / "p2pk", encode_hex(sales.expose()));
    std::filesystem::create_directory(folder / "state");
    std::filesystem::permissions(folder / "state", std::filesystem::perms::owner_all);
    const std::string here = "127.0.0.1:" + std::to_string(port);
    const std::string server_key = protocol::wireguard_public_key(protocol::generate_wireguard_secret(rng)).base64();
    write(folder / "config.toml",
          "[server]\nhost = \"127.0.0.1\"\nport = " + std::to_string(port) + "\npublic_host = \"" + here +
              "\"\n[db]\npath = \"" + (folder / "state" / "adit.db").string() +
              "\"\n[wireguard]\ninterface = \"adit-cli\"\nbackend = \"memory\"\npreshared_keys = true\n"
              "endpoint_host = \"vpn.example\"\nserver_pubkey = \"" +
              server_key + "\"\nsubnet_cidr = \"10.66.0.0/16\"\n[cashu]\nenabled = true\np2pk_privkey_file = \"" +
              (folder / "p2pk").string() + "\"\n[nostr]\nrelays = [\"" + world->relay_url() + "\"]\nnsec_file = \"" +
              (folder / "nsec").string() +
              "\"\n[limits]\nrequests_per_minute_per_source = 1000000\nundleqed_swaps_per_hour = 1000000\n"
              "undleqed_swaps_per_hour_per_source = 1000000\n"
              "[sessions]\nrefunds = true\nrefund_fee_percent = 10\n[listing]\nd_tag = \"exit-1\"\ntitle = \"Exit "
              "One\"\nprotocols = [\"wireguard\"]\n"
              "[[listing.prices]]\namount = 21\ncurrency = \"sat\"\nunit = \"hour\"\n"
              "[[listing.prices]]\namount = 210\ncurrency = \"sat\"\nunit = \"day\"\n"
              "[[listing.payment_methods]]\ntype = \"cashu\"\nmint = \"" +
              world->mint_url() + "\"\np2pk = \"" + cashu::even_point(sales.public_key()).hex() +
              "\"\nendpoint = \"http://" + here + "/purchase\"\n");
    auto loaded = app::load_config(folder / "config.toml");
    for (const auto& error : loaded.errors) ADD_FAILURE() << error;
    shop = std::make_unique<app::App>(std::move(loaded.config).value(), clock);
    const auto started = shop->start();
    EXPECT_TRUE(started.has_value()) << (started ? "" : started.error().detail);
}

MarketWorld::~MarketWorld()
{
    shop.reset();
    world.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

Offer MarketWorld::offer(std::uint64_t quantity)
{
    // The listing comes to the relay a moment after the start.
    for (int tries = 0; tries < 500; ++tries) {
        const auto events = world->relay_events(listing_filters(std::nullopt).front());
        const auto listings = listings_of(events, clock.now());
        const auto ours =
            std::ranges::find(listings, "Exit One", [](const auto& published) { return published.listing.title; });
        if (ours != listings.end()) return must(make_offer(*ours, {"hour", quantity, {}}));
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "no listing";
    std::abort();
}

std::vector<cashu::Proof> MarketWorld::proofs(std::uint64_t amount, const std::optional<cashu::P2pkLock>& lock)
{
    auto& rng = system_rng();
    devnet::Mint& mint = world->mint();
    for (const auto& keyset : mint.keysets()) {
        if (!keyset.active || keyset.unit != "sat") continue;
        std::vector<payments::Output> outputs;
        for (const Sat part : must(cashu::split(Sat(amount), keyset))) {
            std::string secret = lock ? cashu::make_p2pk_secret(*lock, rng) : cashu::make_plain_secret(rng);
            auto r = cashu::random_scalar(rng);
            const auto b = must(cashu::blind(secret, r));
            outputs.push_back(
                {payments::OutputOwner::wallet, {keyset.id, part, b}, std::move(secret), std::move(r), {}});
        }
        const auto quote = must(cashu::parse_mint_quote(
            mint.handle("POST", "/v1/mint/quote/bolt11", cashu::encode_mint_quote(Sat(amount), "sat")).body));
        mint.pay_quote(quote.id);
        const auto answer =
            mint.handle("POST", "/v1/mint/bolt11", cashu::encode_mint(quote.id, payments::messages(outputs)));
        const cashu::MintPage page{mint.keysets(), {}};
        return must(payments::unblind_all(outputs, must(cashu::parse_signatures(answer.body)), page)).wallet;
    }
    ADD_FAILURE() << "no keyset";
    return {};
}

std::string MarketWorld::token(std::uint64_t amount, const std::optional<cashu::P2pkLock>& lock)
{
    return cashu::encode_token({world->mint_url(), "sat", {}, proofs(amount, lock)});
}

Record MarketWorld::begin(std::optional<std::string> token, std::uint64_t quantity)
{
    file = folder / ("purchase-" + std::to_string(++files_) + ".json");
    Record record = new_record(offer(quantity), std::move(token), clock, system_rng());
    EXPECT_TRUE(create_record(file, record).has_value());
    return record;
}

Buyer::Outcome MarketWorld::go_on(Record& record, Death* death, Seconds patience)
{
    const auto dies = [death](const char* what) { return death && death->here(what); };
    network.set_death(death);
    Buyer buyer({network,
                 clock,
                 system_rng(),
                 reporter,
                 [&](const Record& now) -> Result<void> {
                     if (dies("before the file")) return Error{Reason::io, "dead"};
                     TRY(save_record(file, now));
                     if (dies("after the file")) return Error{Reason::io, "dead"};
                     return {};
                 },
                 {patience, patience}});
    return buyer.go_on(record);
}

Result<bool> MarketWorld::redeem(Record& record, Death* death, Seconds patience)
{
    const auto dies = [death](const char* what) { return death && death->here(what); };
    network.set_death(death);
    Buyer buyer({network,
                 clock,
                 system_rng(),
                 reporter,
                 [&](const Record& now) -> Result<void> {
                     if (dies("before the file")) return Error{Reason::io, "dead"};
                     TRY(save_record(file, now));
                     if (dies("after the file")) return Error{Reason::io, "dead"};
                     return {};
                 },
                 {patience, patience}});
    return buyer.redeem(record);
}

Sat MarketWorld::unspent(const std::string& text)
{
    Sat all;
    for (const auto& proof : must(cashu::parse_token(text)).proofs)
        if (world->mint().state_of(cashu::proof_y(proof.secret).hex()) == cashu::ProofState::unspent)
            all = sum(all, proof.amount).value();
    return all;
}

Sat MarketWorld::in_file(const Record& record)
{
    Sat all;
    for (const Coin& coin : record.coins)
        if (!coin.spent) all = sum(all, unspent(coin.token)).value();
    if (record.payment) all = sum(all, unspent(*record.payment)).value();
    return all;
}

} // namespace adit::cli
