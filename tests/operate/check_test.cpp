// Each fault that an operator is likely to have, in a shop that is otherwise in order.
#include "operate/check_world.h"

#include "base/clock.h"
#include "protocol/constants.h"
#include "protocol/nip59.h"
#include "protocol/nip60.h"

#include <nlohmann/json.hpp>
#include <sys/stat.h>

namespace adit::operate {
namespace {

using testing::HasSubstr;

/// As the system's, set wrong.
class WrongClock final : public Clock {
public:
    explicit WrongClock(Seconds ahead) : ahead_(ahead) {}
    UnixSeconds now() const override { return system_clock().now() + ahead_; }
    SteadyTime steady() const override { return system_clock().steady(); }

private:
    Seconds ahead_;
};

using Check = CheckWorld;

TEST_F(Check, OfAShopThatIsInOrderFindsNothingThatFails)
{
    const Findings before = check();
    EXPECT_EQ(failures(before), "");
    expect(before, "daemon", Level::ok, "does not run", "");
    run_daemon();
    const Findings after = check();
    EXPECT_EQ(failures(after), "");
    for (const auto& [name, what] :
         std::initializer_list<std::pair<const char*, const char*>>{{"daemon", "runs"},
                                                                    {"dns", "127.0.0.1"},

                                                                    {"info", "this operator"},
                                                                    {"cors", "may buy"},
                                                                    {"header-budget", "200 KiB"},
                                                                    {"proxy-trust", "tells buyers apart"},
                                                                    {"mint-nuts", "NUT-07"},
                                                                    {"wallet-key", "a key of its own"}})
        expect(after, name, Level::ok, what, "");
    expect(after, "tls", Level::warn, "trusted until", "renewed"); // for an hour
}

// ---- files ---------------------------------------------------------------------------------------------------------

TEST_F(Check, FindsANsecThatAllMayReadAndLooksNoFurther)
{
    ::chmod((folder / "nsec").c_str(), 0644);
    const Findings found = check();
    expect(found, "secret-modes", Level::fail, "nsec", "chmod 600");
    expect(found, "rest", Level::warn, "config has mistakes", "again");
}

TEST_F(Check, FindsADatabaseFolderThatOthersMayLookInto)
{
    ::chmod((folder / "state").c_str(), 0755);
    write(folder / "state" / "wallet.seed", "words", 0644);
    const Findings found = check();
    expect(found, "database-folder", Level::fail, "0755", "chmod 700");
    expect(found, "file-modes", Level::fail, "wallet.seed", "chmod 600");
}

TEST_F(Check, SaysOfAConfigThatIsNoneWhatItIs)
{
    expect(check_as_it_is(), "config", Level::fail, "No such file", "readable config");
    std::filesystem::create_directory(options.config);
    expect(check_as_it_is(), "config", Level::fail, options.config.string(), "readable config");
    std::filesystem::remove(options.config);
    write(options.config, "[server]\nport = 80");
    expect(check_as_it_is(), "config", Level::fail, "", "expected");
    write(options.config, "[server\nport = ");
    expect(check_as_it_is(), "config", Level::fail, "is no TOML", "");
    write(options.config, std::string(3000, '\0'));
    EXPECT_NE(failures(check_as_it_is()), "");
}

// ---- keys ----------------------------------------------------------------------------------------------------------

TEST_F(Check, FindsASalesKeyThatIsTheWalletsKey)
{
    protocol::WalletContent wallet{{}, {world->mint_url()}};
    wallet.privkeys.push_back(sales_key.duplicate());
    const auto draft = protocol::wallet_draft(wallet, operator_key, system_clock().now(), system_rng());
    world->publish(protocol::sign_event(*draft, operator_key, system_rng()));
    expect(check(), "wallet-key", Level::fail, "NIP-60 wallet", "sales key of its own");
}

TEST_F(Check, FindsASalesKeyThatNutzapsAreLockedTo)
{
    const protocol::NutzapInfo info{{world->relay_url()}, {world->mint_url()}, sales_key.public_key()};
    world->publish(
        protocol::sign_event(protocol::nutzap_info_draft(info, system_clock().now()), operator_key, system_rng()));
    expect(check(), "wallet-key", Level::fail, "NIP-60 wallet", "sales key of its own");
}

TEST_F(Check, FindsASalesKeyThatIsTheNostrKey)
{
    sales_key = operator_key.duplicate();
    write(folder / "p2pk", encode_hex(sales_key.expose()));
    expect(check(), "sales-key", Level::warn, "is the Nostr key", "sales key of its own");
}

// ---- the way to the daemon -----------------------------------------------------------------------------------------

TEST_F(Check, FindsAPublicHostThatHasNoAddress)
{
    lines.public_host = "adit-check.invalid";
    expect(check(), "dns", Level::fail, "adit-check.invalid", "A (and AAAA) record");
}

TEST_F(Check, FindsAPortThatNobodyAnswersAt)
{
    std::uint16_t closed = 0;
    {
        const TestProxy gone(&certificate);
        closed = gone.port();
    }
    lines.public_host = "localhost:" + std::to_string(closed);
    expect(check(), "https", Level::fail, "can not be reached", "start the proxy");
}

TEST_F(Check, FindsACertificateForAnotherName)
{
    const TestCertificate other("other.example");
    TestProxy wrong(&other);
    wrong.pass_to(port);
    lines.public_host = "localhost:" + std::to_string(wrong.port());
    options.ca_file = other.certificate_file();
    expect(check(), "tls", Level::fail, "for other.example, and not for localhost", "certificate for localhost");
}

TEST_F(Check, FindsACertificateThatNobodyTrusts)
{
    options.ca_file.clear();
    expect(check(), "tls", Level::fail, "not good", "browsers trust");
}

TEST_F(Check, FindsAProxyThatLosesCorsHeaders)
{
    proxy.behave({.passes_cors = false});
    expect(check(), "cors", Level::fail, "no Access-Control-Allow-Origin", "Access-Control-* headers through");
    proxy.behave({.answers_options = true});
    expect(check(), "cors", Level::fail, "OPTIONS /purchase", "OPTIONS requests");
}

TEST_F(Check, FindsAProxyThatCutsHeadersAtEightKiB)
{
    proxy.behave({.header_limit = 8192});
    expect(check(), "header-budget", Level::fail, "(status 431), one with 6 KiB does", "large_client_header_buffers");
    proxy.behave({.header_limit = 65536});
    expect(check(), "header-budget", Level::warn, "one with 56 KiB does", "256 KiB");
    proxy.behave({.header_limit = 3000});
    expect(check(), "header-budget", Level::fail, "6 KiB does not either", "256 KiB");
}

TEST_F(Check, FindsAProxyThatIsNotTrustedWhetherTheDaemonRunsOrNot)
{
    lines.server = "trusted_proxies = [\"192.0.2.1\"]\n";
    expect(check(), "proxy-trust", Level::fail, "all buyers are one source", "trusted_proxies");
    run_daemon();
    const Findings found = check();
    expect(found, "daemon", Level::ok, "runs", "");
    expect(found, "proxy-trust", Level::fail, "all buyers are one source", "trusted_proxies");
}

TEST_F(Check, FindsAProxyThatDoesNotSayForWhomItAsks)
{
    proxy.behave({.forwards = false});
    expect(check(), "proxy-trust", Level::fail, "without X-Forwarded-For", "proxy_add_x_forwarded_for");
}

TEST_F(Check, FindsTrustInEverybody)
{
    lines.server = "trusted_proxies = [\"0.0.0.0/0\"]\n";
    expect(check(), "trusted-proxies", Level::fail, "0.0.0.0/0", "own address");
}

TEST_F(Check, FindsAProxyThatPassesToNobodyAndOneThatPassesToSomebodyElse)
{
    proxy.pass_to(0);
    expect(check(), "info", Level::fail, "status 502", "start aditd");
    proxy.behave({.body_instead = "<html>It works!</html>"});
    expect(check(), "info", Level::fail, "not aditd's", "pass everything");
    proxy.behave({.body_instead = R"({"pubkey":"00","endpoint":"x"})"});
    expect(check(), "info", Level::fail, "another operator's", "pass everything");
}

// ---- relays --------------------------------------------------------------------------------------------------------

TEST_F(Check, FindsARelayThatRefusesOurKindsOnceItMayTry)
{
    fault(R"({"endpoint":"relay.event","act":"reject","message":"blocked: kind 30402 is not taken here"})");
    expect(check(), "relay", Level::ok, "answers", ""); // nothing was sent
    options.publish = true;
    expect(check(), "relay", Level::fail, "kind 30402", "does not take our kinds");
}

TEST_F(Check, SaysOfARunningDaemonWhoseListingIsNotThere)
{
    fault(R"({"endpoint":"relay.event","act":"reject","message":"blocked: kind 30402 is not taken here"})");
    run_daemon();
    expect(check(), "relay", Level::warn, "no listing of this operator, though aditd runs", "--publish");
}

TEST_F(Check, LeavesNothingBehindAtARelayThatItTried)
{
    options.publish = true;
    expect(check(), "relay", Level::ok, "takes our events", "");
    protocol::Filter ours;
    ours.authors = {operator_key.public_key()};
    ours.kinds = {30402, 7375};
    EXPECT_TRUE(world->relay_events(ours).empty());
    ours.kinds = {5};
    EXPECT_EQ(world->relay_events(ours).size(), 1U);
}

TEST_F(Check, FindsWhereNotificationsGoAndWhoTakesThem)
{
    const auto recipient = protocol::SecretKey::generate(system_rng());
    const auto inbox = devnet::World::start({}).value();
    expect(check(), "relay", Level::ok, "answers", "");
    lines.more = "[notifications]\nenabled = true\npubkey = \"" + recipient.public_key().hex() + "\"\n";
    expect(check(), "notifications", Level::warn, "kind 10050", "publish that list");

    world->publish(protocol::sign_event(
        {system_clock().now(), protocol::kKindDmRelays, {{"relay", inbox->relay_url()}}, ""}, recipient, system_rng()));
    expect(check(), "notifications", Level::ok, "reads messages at " + inbox->relay_url(), "");
    protocol::Filter wraps;
    wraps.kinds = {protocol::kKindGiftWrap};
    EXPECT_TRUE(inbox->relay_events(wraps).empty()) << "something was sent unasked";

    options.publish = true;
    expect(check(), "notifications", Level::ok, "a trial message was taken by ", "");
    ASSERT_EQ(inbox->relay_events(wraps).size(), 1U);
    const auto rumor = protocol::open_gift_wrap(inbox->relay_events(wraps).front(), recipient);
    ASSERT_TRUE(rumor) << rumor.error().detail;
    EXPECT_EQ(rumor->author, operator_key.public_key());

    devnet::Fault refusal;
    refusal.endpoint = "relay.event";
    refusal.act = devnet::FaultAct::reject;
    refusal.message = "blocked: no messages";
    inbox->faults().add(refusal);
    expect(check(), "notifications", Level::warn, "does not take private messages (kind 1059): blocked", "another one");
}

TEST_F(Check, FindsARelayThatWantsAuth)
{
    world->set_relay_rules({devnet::AuthRule::required, devnet::AuthRule::required});
    expect(check(), "relay-auth", Level::warn, "read", "open too");
    options.publish = true; // AUTH is given, and so it is taken
    const Findings found = check();
    EXPECT_EQ(failures(found), "");
    expect(found, "relay-auth", Level::warn, "", "open too");
}

TEST_F(Check, ReadsWhatARelaySaysOfItself)
{
    const nlohmann::json says = {
        {"limitation", {{"payment_required", true}, {"min_pow_difficulty", 20}, {"max_message_length", 16384}}},
        {"payments_url", "https://pay.example"},
        {"retention", nlohmann::json::parse(R"([{"kinds":[[30000,39999]],"time":0}])")}};
    fault(
        nlohmann::json{{"endpoint", "relay.nip11"}, {"act", "status"}, {"status", 200}, {"body", says.dump()}}.dump());
    const Findings found = check();
    expect(found, "relay-payment", Level::warn, "https://pay.example", "pay there");
    expect(found, "relay-pow", Level::fail, "20 bits", "another relay");
    expect(found, "relay-kinds", Level::fail, "30402", "another relay");
    expect(found, "relay-size", Level::warn, "16384", "60000");
}

TEST_F(Check, FindsARelayThatIsNotThere)
{
    lines.relays = "\"ws://127.0.0.1:1\"";
    const Findings found = check();
    expect(found, "relay", Level::fail, "can not be reached", "another relay");
    expect(found, "wallet-key", Level::warn, "not looked at", "relays answer");
}

// ---- mints ---------------------------------------------------------------------------------------------------------

TEST_F(Check, FindsAMintThatIsAway)
{
    fault(R"({"endpoint":"mint.*","act":"drop"})");
    expect(check(), "mint-reachable", Level::fail, world->mint_url(), "another mint");
}

TEST_F(Check, FindsAMintWithoutNut11)
{
    control("/mint", R"({"hidden_nuts":[11]})");
    expect(check(), "mint-nuts", Level::fail, "NUT-11", "choose a mint");
}

TEST_F(Check, FindsAMintWithFeesAndAKeysetThatExpiresSoon)
{
    const std::int64_t soon = (system_clock().now() + Seconds(5 * 86400)).count();
    control("/keysets/rotate", R"({"input_fee_ppk":100,"final_expiry":)" + std::to_string(soon) + "}");
    const Findings found = check();
    expect(found, "mint-fees", Level::warn, "100 ppk", "on top of the price");
    expect(found, "mint-keyset", Level::warn, "ends at", "swap");
}

TEST_F(Check, FindsAMintThatMakesNoCoins)
{
    control("/mint", R"({"minting":"disabled"})");
    expect(check(), "mint-limits", Level::warn, "makes no new coins", "second mint");
}

// ---- Lightning -----------------------------------------------------------------------------------------------------

class CheckLightning : public CheckWorld {
protected:
    void phoenixd(const std::string& password_file)
    {
        lines.lightning = "[lightning]\nenabled = true\nbackend = \"phoenixd\"\nbase_url = \"" + world->phoenixd_url() +
                          "\"\napi_token_file = \"" + password_file + "\"\n";
    }
    void lnd(const std::string& macaroon, const std::string& certificate_file)
    {
        lines.lightning = "[lightning]\nenabled = true\nbackend = \"lnd\"\nhold = true\nbase_url = \"" +
                          world->lnd_url() + "\"\nmacaroon_file = \"" + macaroon + "\"\ntls_cert_file = \"" +
                          certificate_file + "\"\n";
    }
};

TEST_F(CheckLightning, FindsPhoenixdsPasswordWrong)
{
    write(folder / "password", "wrong");
    phoenixd(folder / "password");
    expect(check(), "lightning", Level::fail, "password is wrong", "http-password-limited-access");
}

TEST_F(CheckLightning, FindsPhoenixdWithoutRoom)
{
    phoenixd(world->phoenixd_limited_password_file());
    expect(check(), "lightning-inbound", Level::warn, "0 sat can be received", "takes its fee");
    control("/phoenixd", R"({"inbound_sat":100000})");
    const Findings found = check();
    expect(found, "lightning-inbound", Level::ok, "100000 sat", "");
    expect(found, "lightning", Level::warn, "regtest", "main network");
    world->go_down(devnet::LightningNode::phoenixd);
    expect(check(), "lightning", Level::fail, "phoenixd", "start phoenixd");
}

TEST_F(CheckLightning, FindsLndsCertificateWrong)
{
    const TestCertificate other("localhost");
    lnd(world->lnd_admin_macaroon_file(), other.certificate_file());
    expect(check(), "lightning", Level::fail, "certificate", "tls.cert");
}

TEST_F(CheckLightning, FindsLndsMacaroonWrongOrTooSmall)
{
    write(folder / "macaroon", "0201036c6e64");
    lnd(folder / "macaroon", world->lnd_tls_cert_file());
    expect(check(), "lightning", Level::fail, "macaroon", "bakemacaroon");
    lnd(world->lnd_macaroon_file(), world->lnd_tls_cert_file()); // invoice.macaroon has no info:read
    expect(check(), "lightning", Level::fail, "macaroon", "info:read");
}

TEST_F(CheckLightning, FindsLndThatNobodyCanPay)
{
    lnd(world->lnd_admin_macaroon_file(), world->lnd_tls_cert_file());
    expect(check(), "lightning-inbound", Level::ok, "1000000 sat", "");
    control("/lnd", R"({"inbound_msat":50000})");
    expect(check(), "lightning-inbound", Level::fail, "50 sat", "channel");
    fault(R"({"endpoint":"lnd.balance","act":"reject","status":403,"message":"permission denied"})");
    expect(check(), "lightning-inbound", Level::warn, "not looked at", "channelbalance");
}

// ---- clock, and all of it ------------------------------------------------------------------------------------------

TEST_F(Check, FindsAClockThatIsMinutesOff)
{
    TestProxy dated; // a mint that tells the time
    const std::string mint = world->mint_url();
    dated.pass_to(static_cast<std::uint16_t>(std::stoul(mint.substr(mint.rfind(':') + 1))));
    const auto now = static_cast<time_t>(system_clock().now().count());
    char date[64];
    ASSERT_GT(std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&now)), 0U);
    dated.behave({.date = date});
    lines.cashu = "enabled = true\nmint_url = \"http://127.0.0.1:" + std::to_string(dated.port()) + "\"\n";
    expect(check(), "clock", Level::ok, "the clock here", "");
    expect(check(WrongClock(Seconds(-180))), "clock", Level::fail, "s behind", "timesyncd");
    expect(check(WrongClock(Seconds(30))), "clock", Level::warn, "s ahead of", "timesyncd");
}

TEST_F(Check, EndsInTimeWhereEverythingHangs)
{
    fault(R"({"endpoint":"mint.*","act":"hang"})");
    fault(R"({"endpoint":"relay.*","act":"hang"})");
    fault(R"({"endpoint":"phoenixd.*","act":"hang"})");
    lines.lightning = "[lightning]\nenabled = true\nbackend = \"phoenixd\"\nbase_url = \"" + world->phoenixd_url() +
                      "\"\napi_token_file = \"" + world->phoenixd_limited_password_file().string() + "\"\n";
    const SteadyTime begun = system_clock().steady();
    const Findings found = check();
    EXPECT_LT(system_clock().steady() - begun, kCheckLimit);
    expect(found, "relay", Level::fail, "can not be reached", "another relay");
    expect(found, "mint-reachable", Level::fail, "", "another mint");
    expect(found, "lightning", Level::fail, "", "start phoenixd");
}

} // namespace
} // namespace adit::operate
