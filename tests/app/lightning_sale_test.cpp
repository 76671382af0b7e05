// What wallets are told: offers, invoices and refusals, all before an invoice exists; and what strangers can not do.
#include "app/shop_world.h"

#include "protocol/constants.h"

#include <nlohmann/json.hpp>

namespace adit::app {
namespace {

using fakes::FakeLightning;
using protocol::LnurlError;

class LightningSaleTest : public testing::Test {
protected:
    LightningSaleTest() : world_({.unit = "day", .lightning = FakeLightning::Way::plain}) {}

    static http::Request request(http::Pairs query)
    {
        http::Request request;
        request.method = "GET";
        request.query = std::move(query);
        request.source = "198.51.100.9";
        return request;
    }
    nlohmann::json offer(http::Pairs query)
    {
        return said(world_.process->lightning_sale->offer(request(std::move(query))));
    }
    nlohmann::json invoice(http::Pairs query)
    {
        return said(world_.process->lightning_sale->invoice(request(std::move(query))));
    }
    static nlohmann::json said(const http::Response& response)
    {
        EXPECT_EQ(response.status, 200); // wallets stop at others
        return nlohmann::json::parse(response.body);
    }
    /// The word of a refusal; "" for an answer.
    static std::string word(const nlohmann::json& said)
    {
        if (!said.contains("status") || said["status"] != "ERROR") return "";
        EXPECT_FALSE(said["message"].get<std::string>().empty());
        return said["reason"];
    }
    std::string comment(const protocol::WireguardKey& key, const std::string& amount = "100",
                        const std::string& unit = "day") const
    {
        const auto listing = protocol::encode_coordinate(
            {protocol::kKindListing, world_.config.nostr.key.public_key(), world_.config.listing.d_tag});
        return protocol::encode_purchase_comment({listing, {amount, "sat", unit}, "wireguard", key, std::nullopt});
    }
    protocol::WireguardKey new_key()
    {
        return protocol::wireguard_public_key(protocol::generate_wireguard_secret(world_.rng));
    }
    std::size_t rows() const { return world_.process->store->open_invoices()->size(); }

    ShopWorld world_;
};

TEST_F(LightningSaleTest, AnOfferIsForExactlyThePriceAndItsCallbackCarriesWhatWasAskedFor)
{
    const auto said = offer({{"p", "0"}, {"q", "2"}});
    EXPECT_EQ(said["tag"], "payRequest");
    EXPECT_EQ(said["minSendable"], 200'000);
    EXPECT_EQ(said["maxSendable"], 200'000);
    EXPECT_GE(said["commentAllowed"].get<int>(), 1024);
    const std::string callback = said["callback"];
    EXPECT_EQ(callback.rfind("https://vpn.example/lnurlp/callback?p=0&q=2&m=", 0), 0U) << callback;
    EXPECT_NE(callback.find(encode_hex(sha256(as_bytes(said["metadata"].get<std::string>())))), std::string::npos);

    const auto key = new_key();
    const auto baked = offer({{"p", "0"}, {"client_pubkey", key.base64()}});
    EXPECT_NE(baked["callback"].get<std::string>().find("&k=" + encode_base64url(key.bytes())), std::string::npos);
    EXPECT_FALSE(baked.contains("commentAllowed") && baked["commentAllowed"] != 0);
}

TEST_F(LightningSaleTest, AnOfferBeyondTheListingIsRefusedBeforeAWalletShowsIt)
{
    EXPECT_EQ(word(offer({{"p", "x"}})), "bad-request");
    EXPECT_EQ(word(offer({{"q", "0"}})), "bad-request");
    EXPECT_EQ(word(offer({{"q", "-1"}})), "bad-request");
    EXPECT_EQ(word(offer({{"q", "99999999999999999999"}})), "bad-request");
    EXPECT_EQ(word(offer({{"q", "100000"}})), "above-max-purchase");
    EXPECT_EQ(word(offer({{"client_pubkey", "nonsense"}})), "bad-request");
    EXPECT_EQ(word(offer({{"p", "7"}})), ""); // the last tier, as the reference has it
    world_.process->shop.paused = true;
    EXPECT_EQ(word(offer({})), "policy");
}

TEST_F(LightningSaleTest, ACommentWithAPurchaseBuysAndABareCallbackTakesItsTierFromIt)
{
    const auto key = new_key();
    const auto said = invoice({{"amount", "300000"}, {"comment", comment(key)}});
    ASSERT_EQ(word(said), "") << said;
    EXPECT_TRUE(said["routes"].is_array());
    EXPECT_EQ(said["disposable"], false);
    EXPECT_EQ(said["successAction"]["tag"], "aes");
    const auto invoice = payments::lightning::parse_bolt11(said["pr"].get<std::string>());
    ASSERT_TRUE(invoice);
    EXPECT_EQ(invoice->amount, Msat(300'000));
    const auto row = world_.process->store->invoice(invoice->payment_hash);
    ASSERT_TRUE(row && *row);
    EXPECT_EQ((*row)->purchase.quantity, 3U);
    EXPECT_EQ((*row)->purchase.client_key, key);
}

TEST_F(LightningSaleTest, EveryRefusalComesBeforeAnInvoiceExists)
{
    const auto key = new_key();
    const std::string k = encode_base64url(key.bytes());
    const std::string good = comment(key);
    const auto changed = [&](const char* member, const nlohmann::json& value) {
        auto json = nlohmann::json::parse(good);
        json[member] = value;
        return json.dump();
    };
    const std::vector<std::pair<http::Pairs, const char*>> refusals{
        {{{"comment", good}}, "bad-request"}, // no amount
        {{{"amount", "1e5"}, {"comment", good}}, "bad-request"},
        {{{"amount", "100000"}}, "no-client-pubkey"},
        {{{"amount", "100000"}, {"comment", "thanks!"}}, "not-an-object"},
        {{{"amount", "100000"}, {"comment", changed("version", 99)}}, "version-mismatch"},
        {{{"amount", "100000"}, {"comment", changed("listing", "30402:00:other")}}, "unknown-listing"},
        {{{"amount", "100000"}, {"comment", changed("price", "100")}}, "bad-price"},
        {{{"amount", "100000"}, {"comment", changed("protocol", nullptr)}}, "no-protocol"},
        {{{"amount", "100000"}, {"comment", changed("protocol", "openvpn")}}, "unsupported-protocol"},
        {{{"amount", "100000"}, {"comment", changed("client_pubkey", nullptr)}}, "no-client-pubkey"},
        {{{"amount", "100000"}, {"comment", comment(key, "99")}}, "price-mismatch"},
        {{{"amount", "100000"}, {"p", "0"}, {"comment", comment(key, "100", "week")}}, "price-mismatch"},
        {{{"amount", "100001"}, {"k", k}}, "amount-mismatch"},
        {{{"amount", "150000"}, {"k", k}}, "amount-mismatch"},
        {{{"amount", "100000"}, {"q", "2"}, {"k", k}}, "amount-mismatch"},
        {{{"amount", "0"}, {"k", k}}, "amount-mismatch"},
        {{{"amount", "18446744073709551615"}, {"k", k}}, "amount-mismatch"},
        {{{"amount", "100000"}, {"k", k}, {"m", std::string(64, '0')}}, "price-mismatch"},
        {{{"amount", "100000"}, {"k", "AAAA"}}, "bad-request"},
        {{{"amount", "100000"}, {"k", encode_base64url(ByteArray<32>{9, 9, 9})}}, "bad-request"}, // the device's own
        {{{"amount", "100000"}, {"k", k}, {"r", "02"}}, "bad-encoding"},
        {{{"amount", "1000000000"}, {"k", k}}, "above-max-purchase"},
    };
    for (const auto& [query, expected] : refusals) {
        const std::string got = word(invoice(query));
        if (std::string_view(expected) == "bad-encoding")
            EXPECT_EQ(got, "bad-request");
        else
            EXPECT_EQ(got, expected) << query.back().second;
    }
    EXPECT_EQ(world_.lightning->made(), 0U);
    EXPECT_EQ(rows(), 0U);
    world_.device.set_mood(wg::MemoryDevice::Mood::absent);
    world_.process->tunnels->reconcile();
    EXPECT_EQ(word(invoice({{"amount", "100000"}, {"k", k}})), "policy");
    EXPECT_EQ(world_.lightning->made(), 0U);
}

TEST_F(LightningSaleTest, ANodeThatIsSilentOrRefusesIsAnErrorToTryAgainAndLeavesNothing)
{
    Payer payer = world_.payer();
    for (const auto mood :
         {FakeLightning::Mood::silent_before, FakeLightning::Mood::silent_after, FakeLightning::Mood::refuses}) {
        world_.lightning->set_mood("make", mood);
        const auto asked = world_.ask_invoice(payer);
        ASSERT_FALSE(asked);
        EXPECT_EQ(asked.error().reason, Reason::lightning_unreachable);
        EXPECT_EQ(rows(), 0U);
        world_.clock.pass(Seconds(11));
        world_.process->tunnels->step();
        EXPECT_EQ(world_.process->pool->free(), world_.process->pool->size());
    }
    EXPECT_FALSE(world_.process->lightning_node->usable());
    world_.lightning->clear_moods();
    EXPECT_TRUE(world_.ask_invoice(payer));
    EXPECT_TRUE(world_.process->lightning_node->usable());
}

TEST_F(LightningSaleTest, UnpaidInvoicesOfOneSourceHoldThreeAddressesAndThoseOfAllHalfOfThePool)
{
    ShopWorld small({.subnet = "10.66.42.0/28", .lightning = FakeLightning::Way::plain});
    const std::uint64_t size = small.process->pool->size();
    const auto ask = [&](const std::string& source) {
        http::Request asked = request(
            {{"amount", "100000"},
             {"k", encode_base64url(
                       protocol::wireguard_public_key(protocol::generate_wireguard_secret(small.rng)).bytes())}});
        asked.source = source;
        return word(said(small.process->lightning_sale->invoice(asked)));
    };
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("198.51.100.1"), "");
    EXPECT_EQ(ask("198.51.100.1"), "no-ip-available");
    std::uint64_t taken = 3;
    for (int i = 0; i < 200; ++i) taken += ask("203.0.113." + std::to_string(i)).empty() ? 1 : 0;
    EXPECT_EQ(taken, size / 2);
    // Who pays with ecash is not kept out by those who do not pay at all.
    EXPECT_EQ(small.ask(small.buyer({4, 32, 64})).status, 200);
    // When they have ended there is room again.
    small.clock.pass(Seconds(700));
    small.attend();
    EXPECT_EQ(ask("198.51.100.1"), "");
}

TEST_F(LightningSaleTest, AThousandCallbacksThatAreNeverPaidLeaveNoMoreThanTheLimits)
{
    for (int i = 0; i < 1000; ++i) {
        http::Request asked = request({{"amount", "100000"}, {"k", encode_base64url(new_key().bytes())}});
        asked.source = "203.0.113." + std::to_string(i % 250);
        world_.process->lightning_sale->invoice(asked);
    }
    EXPECT_EQ(rows(), world_.process->pool->size() / 2);
    EXPECT_EQ(world_.lightning->made(), world_.process->pool->size() / 2);
}

TEST_F(LightningSaleTest, VerifyGivesThePreimageOnlyOnceTheNodeSaysThatItIsSettled)
{
    Payer payer = world_.payer();
    ASSERT_TRUE(world_.ask_invoice(payer));
    EXPECT_FALSE(world_.verify(payer).settled);
    EXPECT_FALSE(world_.verify(payer).preimage);
    ASSERT_TRUE(world_.lightning->pay(payer.hash));
    EXPECT_FALSE(world_.verify(payer).settled); // we have not asked yet
    world_.attend();
    EXPECT_TRUE(world_.verify(payer).settled);
    EXPECT_TRUE(world_.verify(payer).preimage);
    EXPECT_EQ(world_.verify(payer).pr, payer.answer.pr);

    http::Request unknown = request({});
    unknown.parameters.emplace_back("payment_hash", std::string(64, 'a'));
    EXPECT_EQ(word(said(world_.process->lightning_sale->verify(unknown))), "not-found");
    unknown.parameters.front().second = "zz";
    EXPECT_EQ(word(said(world_.process->lightning_sale->verify(unknown))), "not-found");
}

TEST_F(LightningSaleTest, WhoRenewsByLightningLearnsNeitherSecretNorPageOfTheSession)
{
    const Buyer buyer = world_.buyer({4, 32, 64});
    ASSERT_EQ(world_.ask(buyer).status, 200);
    Payer stranger{.client_key = buyer.client_key};
    ASSERT_TRUE(world_.ask_invoice(stranger));
    ASSERT_TRUE(world_.lightning->pay(stranger.hash));
    world_.attend();
    EXPECT_EQ(world_.state_of(stranger), session::State::active);
    const auto config = world_.open_config(stranger);
    EXPECT_FALSE(config.preshared_key);
    const auto segments = world_.process->tunnels->segments_of(buyer.client_key);
    ASSERT_EQ(segments.size(), 1U);
    EXPECT_EQ(segments.front().amount, 2U * 86400U); // renewal works across the two ways to pay
    EXPECT_TRUE(world_.has_tunnel_of(buyer.client_key, config));
}

TEST_F(LightningSaleTest, ASessionThatBeganWithLightningIsRenewedWithCashuWithoutItsSecrets)
{
    Payer payer = world_.payer();
    ASSERT_TRUE(world_.ask_invoice(payer));
    ASSERT_TRUE(world_.lightning->pay(payer.hash));
    world_.attend();
    ASSERT_TRUE(world_.open_config(payer).preshared_key);
    Buyer buyer = world_.buyer({4, 32, 64});
    buyer.client_key = payer.client_key;
    world_.sign_request(buyer, buyer.key);
    const Answered answered = world_.ask(buyer);
    ASSERT_EQ(answered.status, 200);
    const auto& delivered = std::get<protocol::Delivered>(answered.answer);
    EXPECT_FALSE(delivered.session_id);
    EXPECT_EQ(delivered.config.find("PresharedKey"), std::string::npos);
    EXPECT_EQ(world_.process->tunnels->segments_of(payer.client_key).front().amount, 2U * 86400U);
}

TEST_F(LightningSaleTest, ThePageOfAPromisedSessionSaysThatItWaits)
{
    Payer payer = world_.payer();
    ASSERT_TRUE(world_.ask_invoice(payer));
    const auto row = world_.process->store->invoice(payer.hash);
    ASSERT_TRUE(row && *row && (*row)->invoice.session_id);
    const std::string id = *(*row)->invoice.session_id;
    EXPECT_EQ(world_.process->tunnels->view(id)->status, "waiting");
    ASSERT_TRUE(world_.lightning->pay(payer.hash));
    world_.attend();
    EXPECT_EQ(world_.process->tunnels->view(id)->status, "active");
    EXPECT_FALSE(world_.process->tunnels->view(std::string(32, '0')));
}

} // namespace
} // namespace adit::app
