// What an operator meets: the daemon starts or says why not, whatever the relays do, and tells Nostr what it should.
#include "e2e/shop.h"

#include "base/clock.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/mint_json.h"
#include "protocol/constants.h"
#include "protocol/listing.h"
#include "protocol/nip60.h"
#include "protocol/relay_list.h"

#include <algorithm>
#include <arpa/inet.h>
#include <fstream>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::e2e {
namespace {

using devnet::Fault;
using devnet::FaultAct;
using fakes::eventually;

/// Takes connections and never says a word.
class SilentServer {
public:
    SilentServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), length), 0);
        EXPECT_EQ(::listen(fd_, 64), 0);
        EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length), 0);
        url_ = "ws://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    }
    SilentServer(const SilentServer&) = delete;
    SilentServer& operator=(const SilentServer&) = delete;
    ~SilentServer() { ::close(fd_); }
    const std::string& url() const { return url_; }

private:
    int fd_;
    std::string url_;
};

std::string closed_port() { return "ws://127.0.0.1:" + std::to_string(free_port()); }

std::vector<protocol::Event> of_kind(Shop& shop, std::uint32_t kind)
{
    protocol::Filter filter;
    filter.authors = {shop.operator_key.public_key()};
    filter.kinds = {kind};
    return shop.world->relay_events(filter);
}

std::optional<protocol::PublishedListing> listing_of(Shop& shop)
{
    const auto events = of_kind(shop, protocol::kKindListing);
    if (events.size() != 1 || !protocol::verify(events.front())) return std::nullopt;
    auto listing = protocol::parse_listing(events.front());
    if (!listing) return std::nullopt;
    return std::move(*listing);
}

bool eventually_listed(Shop& shop, const std::function<bool(const protocol::PublishedListing&)>& condition)
{
    return eventually(Milliseconds(20'000), [&] {
        const auto listing = listing_of(shop);
        return listing && condition(*listing);
    });
}

protocol::WalletState wallet_on_relay(Shop& shop)
{
    auto events = of_kind(shop, 17375);
    for (const std::uint32_t kind : {7375U, 5U})
        for (auto& event : of_kind(shop, kind)) events.push_back(std::move(event));
    return protocol::fold_wallet(events, shop.operator_key);
}

std::uint64_t sats_on_relay(Shop& shop)
{
    std::uint64_t sats = 0;
    for (const auto& token : wallet_on_relay(shop).tokens)
        for (const auto& proof : token.content.proofs) sats += proof.amount;
    return sats;
}

bool says(Daemon& daemon, std::string_view words) { return daemon.output().find(words) != std::string::npos; }

TEST(OperatorStart, DeadRelaysDelayNothingOnceTheStoreHasAWallet)
{
    Shop shop;
    shop.start();
    EXPECT_EQ(shop.daemon->stop(), 0);
    const SilentServer silent;
    shop.settings.relays = {closed_port(), silent.url(), closed_port()};
    const SteadyTime before = system_clock().steady();
    shop.launch();
    // The wait that the measurement allows for is a poll of 10 ms.
    ASSERT_TRUE(eventually(Milliseconds(20'000), [&] { return shop.get("/info").status == 200; }));
    const auto took = std::chrono::duration_cast<Milliseconds>(system_clock().steady() - before);
    std::printf("first 200 on /info with every relay dead: %lld ms\n", static_cast<long long>(took.count()));
    EXPECT_LT(took.count(), 15'000) << "it waited for relays";
    ASSERT_TRUE(shop.daemon->wait_until_selling());
    const Buyer buyer = shop.buyer({4, 32, 64});
    EXPECT_EQ(shop.ask(buyer.request).status, 200);
    // And ends as quickly.
    const SteadyTime asked = system_clock().steady();
    EXPECT_EQ(shop.daemon->stop(), 0);
    EXPECT_LT(std::chrono::duration_cast<Milliseconds>(system_clock().steady() - asked).count(), 10'000);
}

TEST(OperatorStart, AHangingRelayDoesNotDelayASale)
{
    Shop shop;
    const SilentServer silent;
    shop.start();
    EXPECT_EQ(shop.daemon->stop(), 0);
    const auto sale = [&] {
        const Buyer buyer = shop.buyer({4, 32, 64});
        const SteadyTime before = system_clock().steady();
        EXPECT_EQ(shop.ask(buyer.request).status, 200);
        return std::chrono::duration_cast<Milliseconds>(system_clock().steady() - before).count();
    };
    shop.start();
    sale();
    const auto with_a_good_one = sale();
    EXPECT_EQ(shop.daemon->stop(), 0);
    shop.settings.relays = {silent.url()};
    shop.start();
    sale();
    const auto with_a_bad_one = sale();
    std::printf("a sale takes %lld ms with a good relay, %lld ms with one that hangs\n",
                static_cast<long long>(with_a_good_one), static_cast<long long>(with_a_bad_one));
    EXPECT_LT(with_a_bad_one, with_a_good_one + 2'000);
}

TEST(OperatorStart, WithoutAWalletARelayThatRefusesToTellStopsTheStart)
{
    Shop shop;
    Fault closed;
    closed.endpoint = "relay.req";
    closed.act = FaultAct::reject;
    closed.message = "error: not today";
    const auto number = shop.world->faults().add(closed);
    shop.launch();
    EXPECT_EQ(shop.daemon->ended_within(Milliseconds(90'000)), 1);
    EXPECT_TRUE(says(*shop.daemon, "cannot_start"));
    EXPECT_TRUE(says(*shop.daemon, "NIP-60 wallet")) << "it says why";
    EXPECT_TRUE(says(*shop.daemon, shop.world->relay_url())) << "and which relay";
    EXPECT_TRUE(of_kind(shop, 17375).empty()) << "no wallet was made";
    shop.world->faults().remove(number);
    shop.start();
    EXPECT_TRUE(eventually(Milliseconds(20'000), [&] { return of_kind(shop, 17375).size() == 1; }));
}

TEST(OperatorStart, WithoutAWalletSilentRelaysAreWaitedForAMinute)
{
    Shop shop;
    const SilentServer silent;
    shop.settings.relays = {shop.world->relay_url(), silent.url()};
    const SteadyTime before = system_clock().steady();
    shop.launch();
    EXPECT_EQ(shop.daemon->ended_within(Milliseconds(100'000)), 1);
    const auto took = system_clock().steady() - before;
    EXPECT_GT(std::chrono::duration_cast<Seconds>(took).count(), 50);
    EXPECT_TRUE(says(*shop.daemon, silent.url()));
    EXPECT_TRUE(of_kind(shop, 17375).empty());
}

TEST(OperatorStart, ATermSignalEndsTheWaitForRelays)
{
    Shop shop;
    const SilentServer silent;
    shop.settings.relays = {silent.url()};
    shop.launch();
    ASSERT_TRUE(eventually(Milliseconds(20'000), [&] { return says(*shop.daemon, "looking_for_wallet"); }));
    const SteadyTime asked = system_clock().steady();
    EXPECT_EQ(shop.daemon->stop(), 1);
    EXPECT_LT(std::chrono::duration_cast<Milliseconds>(system_clock().steady() - asked).count(), 10'000);
}

TEST(OperatorStart, AWalletOnTheRelayIsLoadedAndNeverReplaced)
{
    Shop shop;
    const auto wallet_key = protocol::SecretKey::generate(shop.rng);
    protocol::WalletContent content;
    content.privkeys.push_back(wallet_key.duplicate());
    content.mints = {shop.world->mint_url(), "https://mint.example"};
    const UnixSeconds now = system_clock().now();
    const auto publish = [&](protocol::EventDraft draft) {
        const auto event = protocol::sign_event(std::move(draft), shop.operator_key, shop.rng);
        shop.world->publish(event);
        return event;
    };
    const auto wallet =
        publish(must(protocol::wallet_draft(content, shop.operator_key, now - Seconds(1000), shop.rng)));
    protocol::TokenContent token;
    token.mint = shop.world->mint_url();
    for (const auto& proof : shop.make_proofs({2, 8}, [&] { return cashu::make_plain_secret(shop.rng); }))
        token.proofs.push_back({proof.keyset, proof.amount.count(), proof.secret, proof.c.hex()});
    publish(must(protocol::token_draft(token, shop.operator_key, now - Seconds(900), shop.rng)));

    shop.start();
    EXPECT_TRUE(says(*shop.daemon, "wallet_loaded_from_relays"));
    EXPECT_EQ(shop.wallet(), 10U);
    const Buyer buyer = shop.buyer({4, 32, 64});
    EXPECT_EQ(shop.ask(buyer.request).status, 200);
    EXPECT_TRUE(eventually(Milliseconds(20'000), [&] { return sats_on_relay(shop) == 110; }));
    const auto wallets = of_kind(shop, 17375);
    ASSERT_EQ(wallets.size(), 1U);
    EXPECT_EQ(wallets.front().id, wallet.id);
}

TEST(OperatorStart, AWalletWhoseKeyIsTheSalesKeyStopsTheStart)
{
    // Also one that it had once: whoever still has its old 10019 sends nutzaps to that.
    Shop shop;
    protocol::WalletContent content;
    content.privkeys.push_back(protocol::SecretKey::generate(shop.rng));
    content.privkeys.push_back(shop.sales_key.duplicate());
    content.mints = {shop.world->mint_url()};
    const auto draft = must(protocol::wallet_draft(content, shop.operator_key, system_clock().now(), shop.rng));
    shop.world->publish(protocol::sign_event(draft, shop.operator_key, shop.rng));
    for (int start = 0; start < 2; ++start) { // when it is found, and when the store has it
        shop.launch();
        EXPECT_EQ(shop.daemon->ended_within(Milliseconds(30'000)), 2);
        EXPECT_TRUE(says(*shop.daemon, "Make another sales key"));
    }
}

TEST(OperatorStart, AWalletThatCanNotBeReadStopsTheStart)
{
    Shop shop;
    protocol::EventDraft draft{system_clock().now(), 17375, {}, "not for your eyes"};
    shop.world->publish(protocol::sign_event(draft, shop.operator_key, shop.rng));
    shop.launch();
    EXPECT_EQ(shop.daemon->ended_within(Milliseconds(30'000)), 1);
    EXPECT_TRUE(says(*shop.daemon, "17375"));
    EXPECT_EQ(of_kind(shop, 17375).size(), 1U);
}

TEST(OperatorStart, ASecondDaemonOnTheSameDatabaseIsRefused)
{
    Shop shop;
    shop.start();
    {
        const auto port = shop.port;
        shop.port = free_port();
        shop.write_config();
        Daemon second(shop.options());
        EXPECT_EQ(second.ended_within(Milliseconds(30'000)), 1);
        EXPECT_TRUE(says(second, "cannot_start"));
        shop.port = port;
    }
    EXPECT_EQ(shop.ask(shop.buyer({4, 32, 64}).request).status, 200) << "the first one goes on";
    EXPECT_EQ(nlohmann::json::parse(shop.admin("status"))["ok"], true) << "and has its admin socket";
}

TEST(OperatorStart, AWrongConfigSaysWhereAndWhat)
{
    Shop shop;
    shop.settings.limits = "workers = \"many\"\n";
    shop.settings.wireguard = "backend = \"magic\"\n";
    shop.launch();
    EXPECT_EQ(shop.daemon->ended_within(Milliseconds(30'000)), 2);
    std::ifstream file(shop.folder / "config.toml");
    int line = 0;
    int checked = 0;
    for (std::string text; std::getline(file, text);) {
        ++line;
        for (const auto& [start, key] :
             {std::pair{"workers = ", "limits.workers"}, {"backend = ", "wireguard.backend"}})
            if (text.starts_with(start)) {
                ++checked;
                EXPECT_TRUE(says(*shop.daemon, "config.toml:" + std::to_string(line) + ":11: " + key))
                    << shop.daemon->output();
            }
    }
    EXPECT_EQ(checked, 2);
}

TEST(OperatorStart, ACheckOfTheConfigSaysWhatItFoundAndStartsNothing)
{
    Shop shop;
    shop.write_config();
    const std::string config = shop.options().config.string();
    const auto check = [&] { return start_program("aditd", {"--check", "--config", config}); };
    auto good = check();
    EXPECT_EQ(must(good.wait(Milliseconds(30'000))), 0);
    EXPECT_NE(good.output().find(config + ": no mistakes"), std::string::npos) << good.output();
    EXPECT_FALSE(std::filesystem::exists(shop.folder / "state" / "adit.db"));
    shop.settings.limits = "workers = 0\n";
    shop.write_config();
    auto bad = check();
    EXPECT_EQ(must(bad.wait(Milliseconds(30'000))), 2);
    EXPECT_NE(bad.output().find("limits.workers"), std::string::npos) << bad.output();
    EXPECT_EQ(bad.output().find("no mistakes"), std::string::npos) << bad.output();
}

TEST(OperatorStart, TheReferenceOfTheConfigThatItPrintsIsThePageInTheDocs)
{
    auto printed = start_program("aditd", {"--print-config-reference"});
    EXPECT_EQ(must(printed.wait(Milliseconds(30'000))), 0);
    std::ifstream file(std::filesystem::path(ADIT_SOURCE) / "docs/config.md");
    EXPECT_EQ(printed.output(), std::string(std::istreambuf_iterator<char>(file), {}));
}

TEST(OperatorStart, ASecretFileThatOthersMayReadIsRefused)
{
    Shop shop;
    for (const char* name : {"nsec", "p2pk"}) {
        const auto path = shop.folder / name;
        std::filesystem::permissions(path, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
        shop.launch();
        EXPECT_EQ(shop.daemon->ended_within(Milliseconds(30'000)), 2);
        EXPECT_TRUE(says(*shop.daemon, path.string() + " may be read"));
        std::filesystem::permissions(path, std::filesystem::perms::others_read, std::filesystem::perm_options::remove);
    }
    shop.start(); // makes the seed
    EXPECT_EQ(shop.daemon->stop(), 0);
    const auto seed = shop.folder / "state" / "wallet.seed";
    ASSERT_TRUE(std::filesystem::exists(seed));
    std::filesystem::permissions(seed, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    shop.launch();
    EXPECT_EQ(shop.daemon->ended_within(Milliseconds(30'000)), 2);
}

TEST(OperatorStart, WhatIsOnDiskIsTheOperatorsAlone)
{
    Shop shop;
    shop.start();
    EXPECT_EQ(shop.ask(shop.buyer({4, 32, 64}).request).status, 200);
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(shop.folder / "state")) {
        ++files;
        const auto others =
            entry.status().permissions() & (std::filesystem::perms::group_all | std::filesystem::perms::others_all);
        EXPECT_EQ(others, std::filesystem::perms::none) << entry.path();
    }
    EXPECT_GE(files, 4) << "database, WAL, seed, admin socket";
}

TEST(OperatorStart, TheListingIsPublishedWithBothTagsAndRisingTime)
{
    Shop shop;
    shop.start();
    ASSERT_TRUE(eventually_listed(shop, [](const auto&) { return true; }));
    const auto first = *listing_of(shop);
    std::set<std::string> topics;
    const auto events = of_kind(shop, protocol::kKindListing);
    for (const auto* tag : events.front().all("t")) topics.insert(tag->at(1));
    EXPECT_TRUE(topics.contains("europa-protocol"));
    EXPECT_TRUE(topics.contains("vpn-marketplace"));
    EXPECT_EQ(first.listing.status, protocol::ListingStatus::active);
    UnixSeconds last = first.created_at;
    for (int i = 0; i < 3; ++i) {
        shop.restart();
        ASSERT_TRUE(eventually_listed(shop, [&](const auto& now) { return now.created_at > last; }));
        last = listing_of(shop)->created_at;
        EXPECT_EQ(listing_of(shop)->listing.published_at, first.listing.published_at);
    }
}

TEST(OperatorStart, AListingOfTheFutureIsOverwrittenAllTheSame)
{
    // A clock that was wrong once, or another program of the same key.
    Shop shop;
    shop.start();
    ASSERT_TRUE(eventually_listed(shop, [](const auto&) { return true; }));
    EXPECT_EQ(shop.daemon->stop(), 0);
    const UnixSeconds future = system_clock().now() + Seconds(5000);
    shop.world->publish(
        protocol::sign_event(protocol::listing_draft(listing_of(shop)->listing, future, protocol::LegacyTag::with),
                             shop.operator_key, shop.rng));
    shop.start();
    EXPECT_TRUE(eventually_listed(shop, [&](const auto& now) { return now.created_at > future; }));
}

TEST(OperatorStart, PausedItIsListedAsSoldAndSellsNothingUntilResumed)
{
    Shop shop;
    shop.start();
    ASSERT_TRUE(eventually_listed(shop, [](const auto&) { return true; }));
    const UnixSeconds before = listing_of(shop)->created_at;
    EXPECT_EQ(nlohmann::json::parse(shop.admin("pause"))["paused"], true);
    const Buyer buyer = shop.buyer({4, 32, 64});
    EXPECT_EQ(shop.ask(buyer.request).reason(), "policy");
    EXPECT_TRUE(eventually_listed(shop, [&](const auto& now) {
        return now.listing.status == protocol::ListingStatus::sold && now.created_at > before;
    }));
    EXPECT_EQ(shop.get("/health").status, 503);
    EXPECT_EQ(shop.get("/health?live").status, 200);
    // The pause outlives the process.
    EXPECT_EQ(shop.daemon->stop(), 0);
    shop.launch();
    ASSERT_TRUE(shop.daemon->wait_until_live());
    EXPECT_EQ(shop.ask(buyer.request).reason(), "policy");
    EXPECT_EQ(nlohmann::json::parse(shop.admin("resume"))["paused"], false);
    EXPECT_EQ(shop.insist(buyer.request).status, 200);
    EXPECT_TRUE(
        eventually_listed(shop, [](const auto& now) { return now.listing.status == protocol::ListingStatus::active; }));
}

TEST(OperatorStart, TheRelayHasWalletTokensAndRelayList)
{
    Shop shop;
    shop.start();
    std::uint64_t sold = 0;
    for (const auto& amounts : {std::vector<std::uint64_t>{4, 32, 64}, {8, 64, 128}, {1, 1, 2, 32, 64}}) {
        EXPECT_EQ(shop.ask(shop.buyer(amounts).request).status, 200);
        sold += amounts.back() == 128 ? 200 : 100;
    }
    EXPECT_TRUE(eventually(Milliseconds(20'000), [&] { return sats_on_relay(shop) == sold; }));
    EXPECT_EQ(shop.wallet(), sold);
    const auto wallet = wallet_on_relay(shop);
    EXPECT_EQ(wallet.mints, std::vector{shop.world->mint_url()});
    ASSERT_EQ(wallet.privkeys.size(), 1U);
    const auto info = of_kind(shop, 10019);
    ASSERT_EQ(info.size(), 1U);
    const auto nutzaps = must(protocol::parse_nutzap_info(info.front()));
    EXPECT_EQ(nutzaps.pubkey, wallet.privkeys.front().public_key());
    EXPECT_NE(nutzaps.pubkey, shop.sales_key.public_key()) << "nutzaps publish their proofs";
    EXPECT_NE(nutzaps.pubkey, shop.operator_key.public_key());
    EXPECT_EQ(of_kind(shop, 10002).size(), 1U);
    EXPECT_FALSE(of_kind(shop, 7376).empty());
    // A token locked to the wallet's own key is no payment.
    cashu::P2pkLock lock;
    lock.keys = {cashu::even_point(nutzaps.pubkey)};
    const Buyer zapper =
        shop.buyer_with(shop.make_proofs({4, 32, 64}, [&] { return cashu::make_p2pk_secret(lock, shop.rng); }));
    EXPECT_EQ(shop.ask(zapper.request).reason(), "wrong-p2pk");
}

TEST(OperatorStart, WhatCouldNotBeToldIsToldWhenTheRelayIsBack)
{
    Shop shop;
    shop.start();
    ASSERT_TRUE(eventually(Milliseconds(20'000), [&] { return of_kind(shop, 17375).size() == 1; }));
    Fault deaf;
    deaf.endpoint = "relay.event";
    deaf.act = FaultAct::drop;
    const auto number = shop.world->faults().add(deaf);
    EXPECT_EQ(shop.ask(shop.buyer({4, 32, 64}).request).status, 200);
    ASSERT_TRUE(eventually(Milliseconds(20'000), [&] {
        return shop.sql("SELECT COUNT(*) FROM wallet_proofs WHERE token_event IS NULL").at(0).at(0) == "0";
    }));
    EXPECT_EQ(sats_on_relay(shop), 0U);
    EXPECT_EQ(shop.daemon->stop(), 0);
    shop.world->faults().remove(number);
    shop.start();
    EXPECT_TRUE(eventually(Milliseconds(30'000), [&] { return sats_on_relay(shop) == 100; }));
}

TEST(OperatorStart, MoneyThatAnotherClientOfTheOperatorBringsIsTheDaemonsToo)
{
    Shop shop;
    shop.start();
    ASSERT_TRUE(eventually(Milliseconds(20'000), [&] { return of_kind(shop, 17375).size() == 1; }));
    protocol::TokenContent token;
    token.mint = shop.world->mint_url();
    for (const auto& proof : shop.make_proofs({2, 8}, [&] { return cashu::make_plain_secret(shop.rng); }))
        token.proofs.push_back({proof.keyset, proof.amount.count(), proof.secret, proof.c.hex()});
    const auto draft = must(protocol::token_draft(token, shop.operator_key, system_clock().now(), shop.rng));
    shop.world->publish(protocol::sign_event(draft, shop.operator_key, shop.rng));
    EXPECT_TRUE(eventually(Milliseconds(20'000), [&] { return shop.wallet() == 10; }));
    // Somebody else's are not.
    const auto stranger = protocol::SecretKey::generate(shop.rng);
    token.proofs.clear();
    for (const auto& proof : shop.make_proofs({64}, [&] { return cashu::make_plain_secret(shop.rng); }))
        token.proofs.push_back({proof.keyset, proof.amount.count(), proof.secret, proof.c.hex()});
    shop.world->publish(protocol::sign_event(
        must(protocol::token_draft(token, stranger, system_clock().now(), shop.rng)), stranger, shop.rng));
    EXPECT_EQ(shop.ask(shop.buyer({4, 32, 64}).request).status, 200);
    EXPECT_TRUE(eventually(Milliseconds(20'000), [&] { return shop.wallet() == 110; }));
}

TEST(OperatorStart, MoneyThatAnotherClientOfTheOperatorSpentIsBookedAsThat)
{
    Shop shop;
    shop.start();
    EXPECT_EQ(shop.ask(shop.buyer({4, 32, 64}).request).status, 200);
    ASSERT_TRUE(eventually(Milliseconds(20'000), [&] { return sats_on_relay(shop) == 100; }));
    // It reads the wallet from the relay, and spends one proof of it.
    const auto wallet = wallet_on_relay(shop);
    ASSERT_EQ(wallet.tokens.size(), 1U);
    const auto& largest = *std::ranges::max_element(wallet.tokens.front().content.proofs, {},
                                                    [](const auto& proof) { return proof.amount; });
    const cashu::Proof input{
        largest.id, Sat(largest.amount), largest.secret, must(cashu::Point::parse_hex(largest.c)), {}, {}};
    const cashu::BlindedMessage output{largest.id, Sat(largest.amount),
                                       must(cashu::blind("elsewhere", cashu::random_scalar(shop.rng)))};
    ASSERT_EQ(shop.world->mint()
                  .handle("POST", "/v1/swap", cashu::encode_swap(std::vector{input}, std::vector{output}))
                  .status,
              200);
    shop.restart(); // it asks the mint at the start, and every ten minutes
    const std::uint64_t left = 100 - largest.amount;
    EXPECT_TRUE(eventually(Milliseconds(20'000), [&] {
        return shop.sql("SELECT COUNT(*) FROM wallet_proofs WHERE state = 'spent_elsewhere'").at(0).at(0) == "1";
    })) << shop.sql("SELECT DISTINCT state FROM wallet_proofs").at(0).at(0);
    EXPECT_EQ(shop.wallet(), left);
    EXPECT_TRUE(eventually(Milliseconds(20'000), [&] { return sats_on_relay(shop) == left; }))
        << "the token event is told anew";
}

TEST(OperatorStart, ARelayThatWantsAuthenticationGetsIt)
{
    Shop shop;
    shop.world->set_relay_rules({devnet::AuthRule::required, devnet::AuthRule::required});
    shop.start();
    EXPECT_TRUE(eventually_listed(shop, [](const auto&) { return true; }));
    EXPECT_TRUE(eventually(Milliseconds(20'000), [&] { return of_kind(shop, 17375).size() == 1; }));
}

} // namespace
} // namespace adit::e2e
