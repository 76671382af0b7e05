// What nobody may read in the log, at any level: a sale and its refusals with every secret marked, and a search for
// each.
#include "e2e/shop.h"

#include "payments/cashu/curve.h"
#include "payments/cashu/secret.h"
#include "protocol/wg_config.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

namespace adit::e2e {
namespace {

using devnet::Fault;
using devnet::FaultAct;
using devnet::FaultMoment;

struct Secret {
    std::string what;
    std::string text;
};

std::string contents(const std::filesystem::path& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

void add_token(std::vector<Secret>& secrets, const std::string& what, const std::string& token)
{
    secrets.push_back({what, token});
    for (const auto& proof : must(cashu::parse_token(token)).proofs) {
        secrets.push_back({what + "'s proof secret", proof.secret});
        secrets.push_back({what + "'s nonce", nlohmann::json::parse(proof.secret).at(1).at("nonce")});
        secrets.push_back({what + "'s C", proof.c.hex()});
        secrets.push_back({what + "'s Y", cashu::proof_y(proof.secret).hex()});
    }
}

void add_buyer(std::vector<Secret>& secrets, const Buyer& buyer)
{
    add_token(secrets, "token", buyer.token);
    secrets.push_back({"auth key", buyer.key.public_key().hex()});
    secrets.push_back({"refund key", buyer.refund_key.public_key().hex()});
    const std::string header = buyer.request.headers[0].second;
    secrets.push_back({"auth header", header.substr(6, 40)});
    const auto event = must(protocol::parse_auth_header(header));
    secrets.push_back({"auth event", encode_hex(event.id)});
    secrets.push_back({"client key", buyer.client_key.base64()});
    secrets.push_back({"client key", buyer.client_key.hex()});
}

TEST(Secrets, NothingSecretIsLoggedInASaleOrItsRefusals)
{
    constexpr std::string_view kClientAddress = "198.51.100.77";
    Shop shop;
    shop.start({}, "debug");
    std::vector<Secret> secrets{{"nsec", encode_hex(shop.operator_key.expose())},
                                {"sales key", encode_hex(shop.sales_key.expose())},
                                {"client address", std::string(kClientAddress)}};
    const auto ask = [&](Ask what) {
        what.headers.emplace_back("X-Forwarded-For", kClientAddress);
        return shop.ask(what);
    };
    const auto sold = [&](const Buyer& buyer) {
        add_buyer(secrets, buyer);
        const auto answer = delivered(ask(buyer.request));
        const auto config = must(protocol::parse_config(answer.config));
        secrets.push_back({"session id", answer.session_id.value_or("no session id")});
        if (config.preshared_key) secrets.push_back({"preshared key", encode_base64(config.preshared_key->expose())});
        secrets.push_back({"tunnel address", config.addresses.front()});
        if (answer.change) add_token(secrets, "change", *answer.change);
        EXPECT_EQ(ask({"GET", "/session/" + answer.session_id.value_or("")}).status, 200);
    };

    sold(shop.buyer({4, 16, 32, 64}));
    // Refused for every kind of reason, each with what a careless line would quote.
    const auto spoil = [&](const auto& change) {
        const Buyer buyer = shop.buyer({4, 32, 64});
        add_buyer(secrets, buyer);
        Ask request = buyer.request;
        change(request);
        const Reply reply = ask(request);
        EXPECT_GE(reply.status, 400);
        EXPECT_LT(reply.status, 500) << reply.body;
    };
    spoil([](Ask& request) { request.headers[0].second += "AAAA"; });
    spoil([](Ask& request) { request.headers[0].second[30] ^= 1; });
    spoil([](Ask& request) { request.headers[1].second.resize(request.headers[1].second.size() / 2); });
    spoil([](Ask& request) { request.headers[1].second += "AAAA"; });
    spoil([](Ask& request) { request.body.resize(request.body.size() / 2); });
    spoil([](Ask& request) { request.body.insert(20, "x"); });
    spoil([](Ask& request) { request.path = "/purchase/" + request.headers[1].second.substr(0, 3000); });
    {
        const Buyer poor = shop.buyer({4, 32});
        add_buyer(secrets, poor);
        EXPECT_EQ(ask(poor.request).reason(), "amount-mismatch");
        const Buyer plain = shop.buyer_with(shop.make_proofs({4, 32, 64}, [&] {
            return cashu::encode_secret({"P2PK",
                                         encode_hex(shop.rng.bytes<16>()),
                                         cashu::even_point(shop.operator_key.public_key()).hex(),
                                         {}});
        }));
        add_buyer(secrets, plain);
        EXPECT_EQ(ask(plain.request).reason(), "wrong-p2pk");
    }
    // The mint is silent, says no, lies, quotes the request in its refusal.
    for (const auto& [act, moment] : {std::pair{FaultAct::cut, FaultMoment::after},
                                      {FaultAct::status, FaultMoment::after},
                                      {FaultAct::lie_bad_signature, FaultMoment::before},
                                      {FaultAct::not_json, FaultMoment::after}}) {
        Fault fault;
        fault.endpoint = "mint.swap";
        fault.act = act;
        fault.moment = moment;
        fault.times = 1;
        const Buyer buyer = shop.buyer({4, 32, 64});
        fault.body = buyer.token;
        add_buyer(secrets, buyer);
        shop.world->faults().add(fault);
        EXPECT_EQ(ask(buyer.request).reason(), "mint-unreachable");
        EXPECT_EQ(shop.insist(buyer.request).status, 200); // a lie is found out, and restored
    }
    {
        const Buyer buyer = shop.buyer({4, 32, 64});
        add_buyer(secrets, buyer);
        Fault no;
        no.endpoint = "mint.swap";
        no.act = FaultAct::reject;
        no.code = 10001;
        no.message = buyer.token + " " + buyer.proofs.front().secret;
        no.times = 1;
        shop.world->faults().add(no);
        EXPECT_EQ(ask(buyer.request).reason(), "invalid-token");
    }
    shop.admin("pause");
    shop.admin("resume");
    EXPECT_EQ(shop.daemon->stop(), 0);
    std::string log = shop.daemon->output();
    EXPECT_NE(log.find("purchase_refused"), std::string::npos) << "it logs all that it can";
    shop.start({}, "debug"); // takes up what was left open
    EXPECT_EQ(shop.daemon->stop(), 0);
    log += shop.daemon->output();

    std::istringstream words(contents(shop.folder / "state" / "wallet.seed"));
    std::vector<std::string> all;
    for (std::string word; words >> word;) all.push_back(word);
    ASSERT_GE(all.size(), 12U);
    for (std::size_t i = 0; i + 1 < all.size(); ++i) secrets.push_back({"seed words", all[i] + " " + all[i + 1]});
    for (const auto& row : shop.sql("SELECT value FROM facts WHERE name = 'wallet.privkeys'"))
        for (const auto& key : nlohmann::json::parse(row.at(0))) secrets.push_back({"wallet key", key});
    for (const auto& row : shop.sql("SELECT secret, r FROM swap_outputs")) {
        secrets.push_back({"output secret", row.at(0)});
        secrets.push_back({"blinding factor", row.at(1)});
    }

    for (const auto& [what, text] : secrets) {
        ASSERT_GE(text.size(), 5U) << what;
        EXPECT_EQ(log.find(text), std::string::npos) << what << " is in the log: " << text;
    }
    EXPECT_GT(secrets.size(), 100U);
}

TEST(Secrets, TheDaemonsMemoryIsNeverDumped)
{
    Shop shop;
    shop.start();
    const std::string limits = contents("/proc/" + std::to_string(shop.daemon->pid()) + "/limits");
    const auto core = limits.find("Max core file size");
    ASSERT_NE(core, std::string::npos) << limits;
    std::istringstream words(limits.substr(core + std::string_view("Max core file size").size()));
    std::string soft, hard;
    words >> soft >> hard;
    EXPECT_EQ(soft + " " + hard, "0 0");
}

} // namespace
} // namespace adit::e2e
