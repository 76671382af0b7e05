// The built adit, as a user has it: its words, its exit statuses, its files, and its death at every point.
#include "base/file.h"
#include "cli/lightning_buyer.h"
#include "cli/market_world.h"
#include "protocol/nip19.h"
#include "protocol/wg_config.h"

#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace adit::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kDied = 86; // crash_point.h

struct Ended {
    int status = -1;
    std::string out;
    std::string err;
};

class Program : public ::testing::Test {
protected:
    Ended adit(std::vector<std::string> words, const std::string& in = "", std::vector<std::string> environment = {})
    {
        const auto out = world().folder / "out";
        const auto err = world().folder / "err";
        const auto input = world().folder / "in";
        std::ofstream(input) << in;
        posix_spawn_file_actions_t files;
        ::posix_spawn_file_actions_init(&files);
        ::posix_spawn_file_actions_addopen(&files, 0, input.c_str(), O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        words.insert(words.begin(), std::string(ADIT_BINARIES) + "/adit");
        environment.push_back("HOME=" + world().folder.string());
        environment.push_back("PATH=/usr/bin:/bin");
        for (const char* kept : {"ASAN_OPTIONS", "UBSAN_OPTIONS"})
            if (const char* value = std::getenv(kept)) environment.push_back(std::string(kept) + "=" + value);
        pid_t pid = -1;
        EXPECT_EQ(::posix_spawn(&pid, words[0].c_str(), &files, nullptr, pointers(words).data(),
                                pointers(environment).data()),
                  0);
        ::posix_spawn_file_actions_destroy(&files);
        int status = 0;
        EXPECT_EQ(::waitpid(pid, &status, 0), pid);
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, must(read_file(out)), must(read_file(err))};
    }
    static std::vector<char*> pointers(std::vector<std::string>& texts)
    {
        std::vector<char*> all;
        for (std::string& text : texts) all.push_back(text.data());
        all.push_back(nullptr);
        return all;
    }
    /// One market for the whole suite: its start is the slow part.
    static MarketWorld& world()
    {
        static MarketWorld one;
        return one;
    }
    std::string npub() { return protocol::encode_npub(world().offer().listing.author); }
    std::vector<std::string> buying(const std::filesystem::path& file)
    {
        return {"buy", npub(), "--relay", world().relay_url(), "--tier", "hour", "--yes", "--file", file.string()};
    }
};

TEST_F(Program, HelpIsThereForEveryVerbWithAnExample)
{
    const Ended overview = adit({"--help"});
    EXPECT_EQ(overview.status, 0);
    for (const char* verb :
         {"browse", "buy", "open", "redeem", "status", "wallet", "listing", "sessions", "grant", "close", "diagnose"}) {
        EXPECT_THAT(overview.out, HasSubstr(verb));
        const Ended help = adit({verb, "--help"});
        EXPECT_EQ(help.status, 0);
        EXPECT_THAT(help.out, HasSubstr("\n  adit " + std::string(verb))) << verb;
    }
    EXPECT_THAT(adit({"--version"}).out, HasSubstr("adit "));
}

TEST_F(Program, WhatIsNotUnderstoodEndsWithTwo)
{
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {},
             {"sell"},
             {"buy"},
             {"buy", "npub1x", "--yes"},
             {"buy", "a", "b"},
             {"browse", "--relay", "nonsense"},
             {"browse", "--nope"},
             {"status"},
             {"wallet"},
             {"wallet", "balance", "--relay", "ws://127.0.0.1:1"},
             {"wallet", "balance", "now"},
             {"wallet", "history", "--relay", "ws://127.0.0.1:1", "--nsec-file", "x"},
             {"wallet", "history", "--before", "yesterday"},
             {"wallet", "send", "-1"},
             {"wallet", "withdraw", "5", "ann@example.com", "--max-fee", "few"},
             {"listing", "retire"},
             {"sessions", "nonsense"},
             {"sessions", "show"},
             {"sessions", "show", "0123456789abcdef0123456789abcdef"},
             {"sessions", "show", "0"},
             {"sessions", "extend", "1"},
             {"sessions", "extend", "1", "3"},
             {"sessions", "extend", "1", "3days"},
             {"sessions", "extend", "1", "-3day"},
             {"sessions", "revoke", "1", "2"},
             {"sessions", "list", "--settled", "1"},
             {"sessions", "refund"},
             {"sessions", "refund", "1", "--percent", "0"},
             {"sessions", "refund", "1", "--amount", "-1"},
             {"close"},
             {"close", "file"},
             {"grant"},
             {"grant", "key"},
             {"grant", "key", "day"},
             {"grant", "key", "3day", "--mbps", "x"},
             {"redeem"},
             {"open"},
             {"open", "file"},
             {"buy", npub(), "--yes", "--pay-with", "lnd"},
             {"buy", npub(), "--yes", "--lightning", "--mint", "https://a"},
             {"buy", npub(), "--yes", "--lnurl", "--pay-with", "phoenixd", "--pay-password-file", "x"},
             {"buy", npub()}}) {
        const Ended ended = adit(words);
        EXPECT_EQ(ended.status, 2) << (words.empty() ? "" : words[0]);
        EXPECT_THAT(ended.err, Not(::testing::IsEmpty()));
        EXPECT_THAT(ended.out, ::testing::IsEmpty());
    }
}

TEST_F(Program, AFriendsTunnelIsGivenShownLengthenedAndEnded)
{
    world().offer();
    const std::string socket = (world().folder / "state" / "admin.sock").string();
    const auto with_socket = [&](std::vector<std::string> words) {
        words.insert(words.end(), {"--socket", socket});
        return adit(std::move(words));
    };
    const auto key = protocol::wireguard_public_key(protocol::generate_wireguard_secret(system_rng())).base64();
    const auto config = world().folder / "friend.conf";
    const Ended given = with_socket({"grant", key, "3hour", "--note", "Ann", "--out", config.string()});
    ASSERT_EQ(given.status, 0) << given.err;
    EXPECT_THAT(given.out, ::testing::IsEmpty());
    EXPECT_THAT(given.err, HasSubstr("begins until"));
    struct stat there {};
    ASSERT_EQ(::stat(config.c_str(), &there), 0);
    EXPECT_EQ(there.st_mode & 0777U, 0600U);
    EXPECT_TRUE(protocol::parse_config(must(read_file(config))).has_value());

    const json listed = json::parse(with_socket({"sessions", "list", "--json"}).out);
    ASSERT_FALSE(listed.empty());
    const std::string number = std::to_string(listed.back()["session"].get<int>());
    EXPECT_THAT(with_socket({"sessions", "list"}).out, HasSubstr("\n" + number + " "));
    const Ended shown = with_socket({"sessions", "show", number});
    EXPECT_THAT(shown.out, HasSubstr("session    " + number + ", live"));
    EXPECT_THAT(shown.out, HasSubstr("granted"));
    EXPECT_THAT(shown.out, HasSubstr("0 sat: Ann"));
    EXPECT_THAT(shown.out, Not(HasSubstr("id  ")));
    EXPECT_THAT(with_socket({"sessions", "show", number, "--with-id"}).out, HasSubstr("id         "));

    const json longer = json::parse(with_socket({"sessions", "extend", number, "2hour", "--json"}).out);
    EXPECT_GT(longer["time_left_s"], 4 * 3600);
    EXPECT_EQ(longer["purchases"].size(), 2U);
    EXPECT_EQ(json::parse(with_socket({"sessions", "--json"}).out)["owed"].size(), 0U);

    const Ended ended = with_socket({"sessions", "revoke", number});
    EXPECT_EQ(ended.status, 0);
    EXPECT_THAT(ended.out, HasSubstr(", over"));
    const Ended again = with_socket({"sessions", "revoke", number});
    EXPECT_EQ(again.status, 1);
    EXPECT_THAT(again.err, HasSubstr("is over since"));
    EXPECT_THAT(with_socket({"sessions", "extend", number, "1day"}).err, HasSubstr("is over"));
    EXPECT_THAT(with_socket({"sessions", "show", "999999"}).err, HasSubstr("there is no session 999999"));
    EXPECT_THAT(with_socket({"grant", "not a key", "1day"}).err, HasSubstr("no WireGuard public key"));
    EXPECT_THAT(adit({"sessions", "list", "--socket", "/nobody/listens"}).err, HasSubstr("is aditd running"));
}

TEST_F(Program, BrowseShowsWhatIsForSaleAsTableAndAsJson)
{
    world().offer();
    const Ended table = adit({"browse", "--relay", world().relay_url()});
    EXPECT_EQ(table.status, 0);
    EXPECT_THAT(table.out, HasSubstr("Exit One"));
    EXPECT_THAT(table.out, HasSubstr("21/hour, 210/day"));
    EXPECT_THAT(table.err, HasSubstr("1 listing; 1 of 1 relays answered"));
    const auto listings = json::parse(adit({"browse", "--json", "--relay", world().relay_url()}).out);
    ASSERT_EQ(listings.size(), 1U);
    EXPECT_EQ(listings[0]["state"], "active");
    EXPECT_EQ(listings[0]["tiers"][1]["sat"], 210);
    const Ended nobody = adit({"browse", "--relay", "ws://127.0.0.1:1"});
    EXPECT_EQ(nobody.status, 1);
    EXPECT_THAT(nobody.err, HasSubstr("0 of 1 relays"));
}

TEST_F(Program, AForgedListingIsNotShown)
{
    protocol::Listing listing;
    listing.d_tag = "x";
    listing.protocols = {"wireguard"};
    listing.prices = {{"1", "sat", "day"}};
    listing.payments = {protocol::LightningPayment{"x@y.example", "lnurl-pay"}};
    const auto publish = [&](const std::string& title, std::uint8_t spoil) {
        listing.title = title;
        auto event =
            protocol::sign_event(protocol::listing_draft(listing, system_clock().now(), protocol::LegacyTag::with),
                                 protocol::SecretKey::generate(system_rng()), system_rng());
        event.sig[3] ^= spoil;
        world().world->publish(event);
    };
    publish("Honest exit", 0);
    publish("Forged exit", 1);
    const Ended shown = adit({"browse", "--all", "--relay", world().relay_url()});
    EXPECT_EQ(shown.status, 0);
    EXPECT_THAT(shown.out, HasSubstr("Honest exit"));
    EXPECT_THAT(shown.out, Not(HasSubstr("Forged exit")));
}

TEST_F(Program, ATunnelIsBoughtLookedAtAndShownAgain)
{
    const auto file = world().folder / "bought.json";
    const auto conf = world().folder / "tunnel.conf";
    auto words = buying(file);
    words.insert(words.end(), {"--out", conf.string(), "--qr", "--quantity", "2"});
    const Ended bought = adit(words);
    ASSERT_EQ(bought.status, 0) << bought.err;
    EXPECT_THAT(bought.out, ::testing::IsEmpty());
    EXPECT_THAT(bought.err, HasSubstr("▄▄▄▄▄")) << "the corner of a QR code";
    struct stat status {};
    ASSERT_EQ(::stat(conf.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    const std::string config = must(read_file(conf));
    EXPECT_TRUE(must(protocol::parse_config(config)).private_key.has_value());
    EXPECT_FALSE(std::filesystem::exists(file.string() + ".lock"));

    const Ended session = adit({"status", file.string()});
    EXPECT_EQ(session.status, 0) << session.err;
    EXPECT_THAT(session.out, HasSubstr("active"));
    const Ended as_json = adit({"status", "--json", "--session", must(load_record(file)).tunnel->session_url});
    EXPECT_EQ(json::parse(as_json.out)["status"], "active");

    const Ended again = adit({"buy", "--resume", file.string()});
    EXPECT_EQ(again.status, 0);
    EXPECT_EQ(again.out, config) << "on standard output there is the config and nothing else";
    auto over = buying(world().folder / "other.json");
    over.insert(over.end(), {"--out", conf.string()});
    EXPECT_EQ(adit(over).status, 2) << "a config that is there is not written over";
}

TEST_F(Program, ATokenFromStandardInputPaysAndWhatIsLeftOverIsPrinted)
{
    const auto file = world().folder / "token.json";
    auto words = buying(file);
    words.insert(words.end(), {"--token", "-", "--json"});
    const Ended bought = adit(words, world().token(100) + "\n");
    ASSERT_EQ(bought.status, 0) << bought.err;
    const auto end = json::parse(bought.out);
    EXPECT_EQ(end["end"], "delivered");
    ASSERT_EQ(end["coins"].size(), 1U);
    EXPECT_EQ(end["coins"][0]["kind"], "kept");
    EXPECT_EQ(world().unspent(end["coins"][0]["token"]), Sat(end["coins"][0]["sat"].get<std::uint64_t>()));
    const Ended redeemed = adit({"redeem", file.string()});
    EXPECT_EQ(redeemed.status, 0);
    EXPECT_EQ(redeemed.out, end["coins"][0]["token"].get<std::string>() + "\n");
}

TEST_F(Program, OverLightningNothingIsBoughtFromAnOperatorWithoutIt)
{
    auto words = buying(world().folder / "lightning.json");
    words.emplace_back("--lightning");
    const Ended refused = adit(words);
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("LNURL-pay"));
    EXPECT_FALSE(std::filesystem::exists(world().folder / "lightning.json"));
}

TEST_F(Program, WhatAWalletShowsComesOutWithThePrivateKeyInIt)
{
    const auto file = world().folder / "handed.json";
    Offer offer = world().offer();
    offer.mint.clear();
    offer.lock.reset();
    Record record = new_lightning_record(std::move(offer), LightningMode::lnurl, {}, world().clock, system_rng());
    record.stage = Stage::handed;
    record.lightning->lnurl = "https://vpn.example/lnurlp?p=0";
    ASSERT_TRUE(create_record(file, record).has_value());
    const Ended handed = adit({"buy", "--resume", file.string()});
    EXPECT_EQ(handed.status, 0);
    EXPECT_EQ(handed.out, protocol::encode_lnurl("https://vpn.example/lnurlp?p=0") + "\n");
    EXPECT_THAT(handed.err, HasSubstr("adit open " + file.string()));
    EXPECT_EQ(json::parse(adit({"buy", "--resume", file.string(), "--json"}).out)["end"], "handed");

    const std::string config = protocol::render_config(
        {.private_key = {},
         .addresses = {"10.66.0.9/32"},
         .dns = {},
         .mtu = {},
         .server_key = protocol::wireguard_public_key(protocol::generate_wireguard_secret(system_rng())),
         .preshared_key = {},
         .endpoint = "vpn.example:51820"},
        {});
    EXPECT_EQ(adit({"open", file.string(), "https://vpn.example/nothing"}).status, 1);
    const Ended opened = adit({"open", file.string(), "-"}, protocol::config_viewer_link("vpn.example", config) + "\n");
    ASSERT_EQ(opened.status, 0) << opened.err;
    EXPECT_TRUE(*must(protocol::parse_config(opened.out)).private_key == record.keys.wireguard);
    EXPECT_EQ(adit({"buy", "--resume", file.string()}).out, opened.out);
    ASSERT_EQ(adit(buying(world().folder / "ecash.json")).status, 0);
    EXPECT_EQ(adit({"open", (world().folder / "ecash.json").string(), config}).status, 1);
}

TEST_F(Program, APurchaseFileInUseIsLeftAlone)
{
    const auto file = world().folder / "used.json";
    ASSERT_EQ(adit(buying(file)).status, 0);
    const int fd = ::open((file.string() + ".lock").c_str(), O_RDWR | O_CREAT, 0600);
    ASSERT_EQ(::flock(fd, LOCK_EX), 0);
    const Ended second = adit({"buy", "--resume", file.string()});
    ::close(fd);
    EXPECT_EQ(second.status, 1);
    EXPECT_THAT(second.err, HasSubstr("another adit"));
}

TEST_F(Program, AnOpenPurchaseEndsWithThreeAndSaysHowToGoOn)
{
    const auto file = world().folder / "open.json";
    devnet::Fault silent;
    silent.endpoint = "mint.mint";
    silent.act = devnet::FaultAct::status;
    const auto number = world().world->faults().add(silent);
    auto words = buying(file);
    words.insert(words.end(), {"--wait", "1"});
    const Ended open = adit(words);
    world().world->faults().remove(number);
    EXPECT_EQ(open.status, 3);
    EXPECT_THAT(open.err, HasSubstr("adit buy --resume " + file.string()));
    EXPECT_EQ(adit({"buy", "--resume", file.string()}).status, 0);
}

TEST_F(Program, TheListingIsPausedAndResumedThroughTheDaemon)
{
    const std::string socket = (world().folder / "state" / "admin.sock").string();
    world().offer();
    EXPECT_THAT(adit({"listing", "pause", "--socket", socket}).out, HasSubstr("paused"));
    const Ended refused = adit(buying(world().folder / "paused.json"));
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(json::parse(adit({"listing", "status", "--json", "--socket", socket}).out)["paused"], true);
    EXPECT_THAT(adit({"listing", "resume", "--socket", socket}).out, HasSubstr("for sale"));
    EXPECT_EQ(adit({"listing", "status", "--socket", "/nonexistent/admin.sock"}).status, 1);
    // The listing that says so again must have come to the relay, for the tests that buy.
    for (int tries = 0; tries < 500; ++tries) {
        const auto shown = json::parse(adit({"browse", "--json", "--relay", world().relay_url()}).out);
        if (shown.size() == 1) return;
    }
    FAIL() << "the listing is not for sale again";
}

TEST_F(Program, TheOperatorsWalletIsReadBackFromTheRelay)
{
    ASSERT_EQ(adit(buying(world().folder / "wallet.json")).status, 0);
    const std::string nsec = (world().folder / "nsec").string();
    for (int tries = 0; tries < 200; ++tries) {
        const Ended read = adit({"wallet", "balance", "--json", "--nsec-file", nsec, "--relay", world().relay_url()});
        ASSERT_EQ(read.status, 0) << read.err;
        const auto wallet = json::parse(read.out);
        EXPECT_EQ(wallet["wallet"], true);
        if (wallet["balance_sat"].get<std::uint64_t>() >= 21) {
            EXPECT_GE(wallet["token_events"].get<int>(), 1);
            const Ended words = adit({"wallet", "balance", "--nsec-file", nsec, "--relay", world().relay_url()});
            EXPECT_THAT(words.out, HasSubstr("in all"));
            ::chmod(nsec.c_str(), 0644);
            EXPECT_EQ(adit({"wallet", "balance", "--nsec-file", nsec, "--relay", world().relay_url()}).status, 1);
            ::chmod(nsec.c_str(), 0600);
            return;
        }
    }
    FAIL() << "no balance";
}

TEST_F(Program, KilledAtEveryPointItGoesOnAndPaysOnce)
{
#ifndef ADIT_CRASH_POINTS
    GTEST_SKIP() << "this adit can not be told to die: build with ADIT_CRASH_POINTS=ON";
#else
    int points = 0;
    for (int at = 1; at < 200; ++at) {
        SCOPED_TRACE(at);
        const Sat before = world().outstanding();
        const auto file = world().folder / ("killed-" + std::to_string(at) + ".json");
        const Ended first = adit(buying(file), "", {"ADIT_CRASH_AT=" + std::to_string(at)});
        ASSERT_THAT(first.status, ::testing::AnyOf(0, kDied)) << first.err;
        if (!std::filesystem::exists(file)) {
            EXPECT_EQ(world().outstanding(), before) << "nothing may be paid before there is a file";
            continue;
        }
        const Ended last = adit({"buy", "--resume", file.string()});
        ASSERT_EQ(last.status, 0) << last.err;
        const auto record = must(load_record(file));
        EXPECT_EQ(difference(world().outstanding(), sum(before, world().in_file(record)).value()), Sat(21));
        if (first.status == 0) break;
        ++points;
    }
    EXPECT_GT(points, 20);
    std::printf("killed at %d points\n", points);
#endif
}

} // namespace
} // namespace adit::cli
