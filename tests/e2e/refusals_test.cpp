// Everything that can be refused, over real HTTP, by the real daemon; and afterwards the token is still the buyer's.
#include "e2e/shop.h"

#include "base/clock.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/nut18.h"

#include <nlohmann/json.hpp>

namespace adit::e2e {
namespace {

constexpr std::size_t kHour = 0;
constexpr std::size_t kGib = 1;
constexpr std::size_t kDay = 2;
constexpr std::uint64_t kRefusalFeePpk = 100; // up to ten proofs cost one sat

Settings shop_settings()
{
    Settings settings;
    settings.prices = {{"100", "sat", "hour"}, {"500", "sat", "GiB"}, {"1000", "sat", "day"}, {"5", "usd", "week"}};
    settings.listing_tables = "[listing.min_purchase]\namount = 2\nunit = \"GiB\"\n"
                              "[listing.max_purchase]\namount = 5\nunit = \"hour\"\n";
    return settings;
}

devnet::WorldOptions with_fee()
{
    devnet::WorldOptions options;
    options.mint.fee_ppk = kRefusalFeePpk;
    return options;
}

void expect_cors(const Reply& reply)
{
    EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(reply.header("Access-Control-Allow-Methods"), "GET, POST, OPTIONS");
    EXPECT_EQ(reply.header("Access-Control-Allow-Headers"), "Content-Type, Authorization, X-Cashu");
    EXPECT_EQ(reply.header("Access-Control-Max-Age"), "86400");
    EXPECT_EQ(reply.header("Access-Control-Expose-Headers"), "X-Cashu, Retry-After");
}

/// A request as it is being spoilt. The base of all is one that buys an hour.
struct Attempt {
    Buyer buyer;
    protocol::EventDraft draft;
    std::optional<std::string> authorization = {}; // instead of the signed draft's
    std::optional<std::string> token = {};
    std::optional<std::string> body = {};
    bool without_authorization = false;
    bool without_token = false;

    void drop(std::string_view tag)
    {
        std::erase_if(draft.tags, [&](const protocol::Tag& each) { return each.front() == tag; });
    }
    void set(const std::string& tag, std::vector<std::string> values)
    {
        drop(tag);
        values.insert(values.begin(), tag);
        draft.tags.push_back(std::move(values));
    }
    Ask ask(const Shop& shop) const
    {
        Ask out = shop.request(buyer, draft, buyer.key);
        if (authorization) out.headers[0].second = *authorization;
        if (token) out.headers[1].second = *token;
        if (body) out.body = *body;
        if (without_token) out.headers.erase(out.headers.begin() + 1);
        if (without_authorization) out.headers.erase(out.headers.begin());
        return out;
    }
};

class RefusalsTest : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        shop_ = std::make_unique<Shop>(shop_settings(), with_fee());
        shop_->start();
    }
    static void TearDownTestSuite() { shop_.reset(); }

    static Attempt attempt(const std::vector<std::uint64_t>& amounts = {1, 4, 32, 64}, std::size_t tier = kHour)
    {
        return {shop_->buyer(amounts), shop_->draft(tier)};
    }
    static Attempt attempt_with(std::vector<cashu::Proof> proofs)
    {
        return {shop_->buyer_with(std::move(proofs)), shop_->draft()};
    }
    static std::string rows() { return shop_->sql("SELECT COUNT(*) FROM purchases").at(0).at(0); }

    /// It is refused so; nothing is written and nothing taken; and the shop is well.
    static Reply expect_refused(const Attempt& attempt, int status, std::string_view reason)
    {
        const std::string before = rows();
        const auto swaps = shop_->world->mint_requests()["mint.swap"];
        const Reply reply = shop_->ask(attempt.ask(*shop_));
        EXPECT_EQ(reply.status, status) << reply.body;
        EXPECT_EQ(reply.reason(), reason) << reply.body;
        EXPECT_EQ(refused(reply).word, reason);
        EXPECT_FALSE(refused(reply).message.empty());
        expect_cors(reply);
        EXPECT_EQ(shop_->spent_of(attempt.buyer), 0U);
        EXPECT_EQ(shop_->world->mint_requests()["mint.swap"], swaps) << "the mint was asked";
        EXPECT_EQ(rows(), before) << "a refusal was written down";
        return reply;
    }

    static std::unique_ptr<Shop> shop_;
};
std::unique_ptr<Shop> RefusalsTest::shop_;

std::string body_with(const std::string& client_key)
{
    return R"({"protocol":"wireguard","client_pubkey":")" + client_key + "\"}";
}

TEST_F(RefusalsTest, AnAuthorizationThatIsAbsentOrUnreadable)
{
    Attempt absent = attempt();
    absent.without_authorization = true;
    expect_refused(absent, 401, "bad-request");
    for (const char* header : {"", "Nostr", "Nostr ", "Nostr %%%", "Bearer abc", "Nostr e30=", "Nostr bm90IGpzb24="}) {
        SCOPED_TRACE(header);
        Attempt unreadable = attempt();
        unreadable.authorization = header;
        expect_refused(unreadable, 401, "bad-request");
    }
}

TEST_F(RefusalsTest, AnIdOrASignatureThatIsWrong)
{
    Attempt forged = attempt();
    auto event = protocol::sign_event(forged.draft, forged.buyer.key, shop_->rng);
    event.sig[5] ^= 1;
    forged.authorization = protocol::encode_auth_header(event);
    expect_refused(forged, 401, "bad-signature");
    event.sig[5] ^= 1;
    event.id[0] ^= 1;
    forged.authorization = protocol::encode_auth_header(event);
    expect_refused(forged, 401, "bad-signature");
    event.id[0] ^= 1;
    event.content = "something else";
    forged.authorization = protocol::encode_auth_header(event);
    expect_refused(forged, 401, "bad-signature");
}

TEST_F(RefusalsTest, AnEventOfAnotherKindOrForAnotherPurpose)
{
    Attempt kind = attempt();
    kind.draft.kind = 24243;
    expect_refused(kind, 400, "wrong-kind");
    Attempt action = attempt();
    action.set("t", {"upload"});
    action.draft.tags.push_back({"t", "vpn-purchase"});
    expect_refused(action, 400, "wrong-action"); // the first t counts
    action.drop("t");
    expect_refused(action, 400, "wrong-action");
    Attempt no_end = attempt();
    no_end.drop("expiration");
    expect_refused(no_end, 400, "no-expiration");
    no_end.set("expiration", {"soon"});
    expect_refused(no_end, 400, "no-expiration");
}

TEST_F(RefusalsTest, AnEventThatIsOverOrFromTheFuture)
{
    const std::int64_t now = system_clock().now().count();
    for (const std::int64_t expiration : {now - 1, std::int64_t{0}, now + 25 * 3600}) {
        Attempt over = attempt();
        over.set("expiration", {std::to_string(expiration)});
        expect_refused(over, 401, "expired-auth");
    }
    Attempt future = attempt();
    future.draft.created_at = UnixSeconds(now + 90);
    expect_refused(future, 401, "expired-auth");
}

TEST_F(RefusalsTest, AnEventForAnotherServerListingOrPrice)
{
    Attempt server = attempt();
    server.set("server", {"other.example"});
    server.draft.tags.push_back({"server", "shop.example"});
    expect_refused(server, 400, "wrong-server"); // the first one counts
    server.drop("server");
    expect_refused(server, 400, "wrong-server");
    Attempt listing = attempt();
    listing.drop("a");
    expect_refused(listing, 400, "no-listing");
    listing.set("a", {"30402:" + shop_->operator_key.public_key().hex() + ":exit-2"});
    expect_refused(listing, 400, "unknown-listing");
    Attempt price = attempt();
    price.drop("price");
    expect_refused(price, 400, "no-price");
    for (const auto& tag : std::vector<std::vector<std::string>>{
             {"99", "sat", "hour"}, {"100", "sat", "day"}, {"5", "usd", "week"}, {"100", "msat", "hour"}, {"100"}}) {
        price.set("price", tag);
        expect_refused(price, 400, "price-mismatch");
    }
}

TEST_F(RefusalsTest, ABodyThatIsNotAPurchase)
{
    Attempt bad = attempt();
    for (const char* body : {"", "{", "[]", "null", "\"wireguard\""}) {
        SCOPED_TRACE(body);
        bad.body = body;
        expect_refused(bad, 400, "bad-request");
    }
    const std::string key = bad.buyer.client_key.base64();
    for (const std::string& body :
         {R"({"protocol":"openvpn","client_pubkey":")" + key + "\"}", R"({"client_pubkey":")" + key + "\"}"}) {
        bad.body = body;
        expect_refused(bad, 400, "unsupported-protocol");
    }
    for (const char* body : {R"({"protocol":"wireguard"})", R"({"protocol":"wireguard","client_pubkey":null})"}) {
        bad.body = body;
        expect_refused(bad, 400, "no-client-pubkey");
    }
    std::string not_canonical = key; // its last digit carries two bits that must be zero
    not_canonical[42] = not_canonical[42] == 'B' ? 'C' : static_cast<char>(not_canonical[42] + 1);
    const ByteArray<32> zeros{};
    const ByteArray<31> short_key{1};
    for (const std::string& bad_key : {std::string("abc"), encode_base64(zeros), encode_base64(short_key),
                                       shop_->server_key.base64(), not_canonical, key + "="}) {
        SCOPED_TRACE(bad_key);
        bad.body = body_with(bad_key);
        expect_refused(bad, 400, "bad-request");
    }
    bad.body = R"({"protocol":"wireguard","client_pubkey":")" + key + R"(","refund_pubkey":"me"})";
    expect_refused(bad, 400, "bad-request");
}

TEST_F(RefusalsTest, WithoutATokenThereIsAPaymentRequestThatNamesOurKey)
{
    Attempt bare = attempt();
    bare.without_token = true;
    const Reply reply = expect_refused(bare, 402, "payment-required");
    const auto header = reply.header("X-Cashu");
    ASSERT_TRUE(header);
    EXPECT_TRUE(header->starts_with("creqA"));
    const auto request = must(cashu::parse_payment_request(*header));
    EXPECT_EQ(request.unit, "sat");
    EXPECT_EQ(request.mints, std::vector{shop_->world->mint_url()});
    ASSERT_TRUE(request.lock);
    EXPECT_EQ(request.lock->kind, "P2PK");
    EXPECT_EQ(request.lock->data, cashu::even_point(shop_->sales_key.public_key()).hex());
    ASSERT_EQ(request.amount, Sat(101)) << "the price and the fee for its proofs";
    // Who pays exactly what is asked for gets what was wanted.
    const Buyer payer = shop_->buyer({1, 4, 32, 64});
    EXPECT_EQ(delivered(shop_->ask(payer.request)).quantity, 1U);
}

TEST_F(RefusalsTest, ATokenThatIsNotValid)
{
    Attempt bad = attempt();
    const auto proofs = bad.buyer.proofs;
    const std::string good = bad.buyer.token;
    for (const std::string& token : {std::string("cashuBabc"), std::string("hello"), std::string("cashuA"),
                                     good.substr(0, good.size() / 2), good + "AAAA"}) {
        SCOPED_TRACE(token);
        bad.token = token;
        expect_refused(bad, 402, "invalid-token");
    }
    auto repeated = proofs;
    repeated.push_back(proofs.front());
    bad.token = shop_->token_of(repeated);
    expect_refused(bad, 402, "invalid-token");
    bad.token = cashu::encode_token({shop_->world->mint_url(), "usd", std::nullopt, proofs});
    expect_refused(bad, 402, "invalid-token");
    auto changed = proofs;
    changed[0].keyset[5] = changed[0].keyset[5] == 'a' ? 'b' : 'a';
    bad.token = shop_->token_of(changed);
    expect_refused(bad, 402, "invalid-token");
    changed = proofs;
    changed[0].amount = Sat(3);
    bad.token = shop_->token_of(changed);
    expect_refused(bad, 402, "invalid-token");
    changed = proofs;
    changed[0].amount = Sat(64); // of its keyset, but not what was signed: its DLEQ tells
    bad.token = shop_->token_of(changed);
    expect_refused(bad, 402, "invalid-token");
    changed = proofs;
    changed[0].dleq->s[31] ^= 1;
    bad.token = shop_->token_of(changed);
    expect_refused(bad, 402, "invalid-token");
    expect_refused(attempt(std::vector<std::uint64_t>(201, 1)), 402, "invalid-token");
}

TEST_F(RefusalsTest, ATokenOfAnotherMint)
{
    Attempt other = attempt();
    const std::string url = shop_->world->mint_url();
    for (const std::string& mint : {std::string("https://mint.example"), url + "/Bitcoin", url + "1"}) {
        other.token = cashu::encode_token({mint, "sat", std::nullopt, other.buyer.proofs});
        expect_refused(other, 402, "wrong-mint");
    }
    // Another spelling of the same.
    other.token = cashu::encode_token({"HTTP" + url.substr(4) + "//", "sat", std::nullopt, other.buyer.proofs});
    EXPECT_EQ(shop_->ask(other.ask(*shop_)).status, 200);
}

TEST_F(RefusalsTest, ATokenThatOurKeyAloneCanNotSpendNow)
{
    const auto ours = cashu::even_point(shop_->sales_key.public_key());
    const auto other = cashu::even_point(protocol::SecretKey::generate(shop_->rng).public_key());
    const UnixSeconds now = system_clock().now();
    std::vector<cashu::P2pkLock> locks(4);
    locks[0].keys = {other};
    locks[1].keys = {ours, other};
    locks[1].n_sigs = 2;
    locks[2].keys = {ours};
    locks[2].locktime = now + Seconds(30);
    locks[2].refund_keys = {other};
    locks[3].keys = {ours};
    locks[3].locktime = now - Seconds(30);
    for (const auto& lock : locks) {
        expect_refused(
            attempt_with(shop_->make_proofs({1, 4, 32, 64}, [&] { return cashu::make_p2pk_secret(lock, shop_->rng); })),
            402, "wrong-p2pk");
    }
    expect_refused(
        attempt_with(shop_->make_proofs({1, 4, 32, 64}, [&] { return cashu::make_plain_secret(shop_->rng); })), 402,
        "wrong-p2pk");
    const std::vector<std::vector<cashu::SecretTag>> bad_tags{
        {{"n_sigs", "1"}, {"n_sigs", "2"}}, {{"locktime", "soon"}}, {{"sigflag", "SIG_SOME"}}, {{"n_sigs", "0"}}};
    for (const auto& tags : bad_tags) {
        expect_refused(
            attempt_with(shop_->make_proofs(
                {1, 4, 32, 64},
                [&] {
                    return cashu::encode_secret({"P2PK", encode_hex(shop_->rng.bytes<16>()), ours.hex(), tags});
                })),
            402, "wrong-p2pk");
    }
    // One proof is enough to spoil the token.
    auto mixed = shop_->make_proofs({1, 4, 32}, shop_->locked());
    const auto plain = shop_->make_proofs({64}, [&] { return cashu::make_plain_secret(shop_->rng); });
    mixed.push_back(plain.front());
    expect_refused(attempt_with(mixed), 402, "wrong-p2pk");
}

TEST_F(RefusalsTest, LocksThatOurKeyAloneOpensAreTaken)
{
    const auto ours = cashu::even_point(shop_->sales_key.public_key());
    const auto other = cashu::even_point(protocol::SecretKey::generate(shop_->rng).public_key());
    std::vector<cashu::P2pkLock> locks(3);
    locks[0].keys = {other, ours}; // 1 of 2
    locks[1].keys = {ours};
    locks[1].sigflag = cashu::SigFlag::all;
    locks[2].keys = {ours};
    locks[2].locktime = system_clock().now() + Seconds(3600);
    locks[2].refund_keys = {other};
    for (const auto& lock : locks) {
        // SIG_ALL wants the same data and tags in every proof; nonces differ.
        const Buyer buyer = shop_->buyer_with(
            shop_->make_proofs({1, 4, 32, 64}, [&] { return cashu::make_p2pk_secret(lock, shop_->rng); }));
        delivered(shop_->ask(buyer.request));
        EXPECT_EQ(shop_->spent_of(buyer), 101U);
    }
}

TEST_F(RefusalsTest, TooLittleIsToldWhatIsNeeded)
{
    const Reply reply = expect_refused(attempt({4, 32, 64}), 402, "amount-mismatch");
    EXPECT_EQ(refused(reply).needed, Sat(101)) << "the price and the fee for these proofs";
    const Reply many = expect_refused(attempt(std::vector<std::uint64_t>(50, 2)), 402, "amount-mismatch");
    EXPECT_EQ(refused(many).needed, Sat(105));
    EXPECT_EQ(refused(expect_refused(attempt({1}, kDay), 402, "amount-mismatch")).needed, Sat(1001));
}

TEST_F(RefusalsTest, LessOrMoreThanTheListingSells)
{
    expect_refused(attempt({1, 512}, kGib), 400, "below-min-purchase"); // 1 GiB, and 2 are the least
    expect_refused(attempt({1, 8, 16, 64, 128, 256, 1024}, kDay), 400, "above-max-purchase"); // 5 hours are the most
}

TEST_F(RefusalsTest, AnXTagBindsTheEventToItsToken)
{
    Attempt other = attempt();
    other.draft = protocol::purchase_auth_draft({system_clock().now(),
                                                 "shop.example",
                                                 {30402, shop_->operator_key.public_key(), "exit-1"},
                                                 shop_->settings.prices.front(),
                                                 std::string("cashuBanother")});
    expect_refused(other, 401, "bad-request");
    other.draft = protocol::purchase_auth_draft({system_clock().now(),
                                                 "shop.example",
                                                 {30402, shop_->operator_key.public_key(), "exit-1"},
                                                 shop_->settings.prices.front(),
                                                 other.buyer.token});
    EXPECT_EQ(shop_->ask(other.ask(*shop_)).status, 200);
}

TEST_F(RefusalsTest, TheFirstThatFailsIsTold)
{
    // Wrong in every way; then one thing after the other is put right.
    Attempt all = attempt_with(shop_->make_proofs({4, 32}, [&] { return cashu::make_plain_secret(shop_->rng); }));
    const auto right = all.draft;
    all.draft.kind = 1;
    all.draft.created_at = system_clock().now() + Seconds(600);
    all.draft.tags = {{"t", "upload"}, {"server", "other.example"}};
    all.body = "{";
    all.token = "nonsense";
    shop_->admin("pause");
    all.without_authorization = true;
    expect_refused(all, 503, "policy");
    shop_->admin("resume");
    expect_refused(all, 401, "bad-request");
    all.without_authorization = false;
    auto event = protocol::sign_event(all.draft, all.buyer.key, shop_->rng);
    event.sig[0] ^= 1;
    all.authorization = protocol::encode_auth_header(event);
    expect_refused(all, 401, "bad-signature");
    all.authorization = std::nullopt;
    expect_refused(all, 400, "wrong-kind");
    all.draft.kind = right.kind;
    expect_refused(all, 400, "wrong-action");
    all.set("t", {"vpn-purchase"});
    expect_refused(all, 400, "no-expiration");
    all.set("expiration", {std::to_string((system_clock().now() + Seconds(300)).count())});
    expect_refused(all, 401, "expired-auth");
    all.draft.created_at = right.created_at;
    expect_refused(all, 400, "wrong-server");
    all.set("server", {"SHOP.example:443"});
    expect_refused(all, 400, "no-listing");
    all.set("a", {"30402:" + std::string(64, '0') + ":exit-1"});
    expect_refused(all, 400, "unknown-listing");
    all.draft.tags.push_back({"a", "30402:" + shop_->operator_key.public_key().hex() + ":exit-1"}); // any counts
    expect_refused(all, 400, "no-price");
    all.set("price", {"1", "sat", "hour"});
    expect_refused(all, 400, "price-mismatch");
    all.draft.tags.push_back({"price", "500", "sat", "GiB"}); // any counts
    expect_refused(all, 400, "bad-request");
    all.body = "{}";
    expect_refused(all, 400, "unsupported-protocol");
    all.body = R"({"protocol":"wireguard"})";
    expect_refused(all, 400, "no-client-pubkey");
    all.body = body_with(shop_->server_key.base64());
    expect_refused(all, 400, "bad-request");
    all.body = std::nullopt;
    all.without_token = true;
    expect_refused(all, 402, "payment-required");
    all.without_token = false;
    expect_refused(all, 402, "invalid-token");
    all.token = cashu::encode_token({"https://mint.example", "usd", std::nullopt, all.buyer.proofs});
    expect_refused(all, 402, "invalid-token"); // the unit, before the mint
    all.token = cashu::encode_token({"https://mint.example", "sat", std::nullopt, all.buyer.proofs});
    expect_refused(all, 402, "wrong-mint");
    all.token = std::nullopt;
    expect_refused(all, 402, "wrong-p2pk");
    all.buyer = shop_->buyer({4, 32});
    expect_refused(all, 402, "amount-mismatch");
    all.buyer = shop_->buyer({1, 512});
    expect_refused(all, 400, "below-min-purchase");
    all.buyer = shop_->buyer({1, 1024});
    EXPECT_EQ(shop_->ask(all.ask(*shop_)).status, 200);
}

TEST_F(RefusalsTest, EveryAnswerCarriesTheCorsHeaders)
{
    for (const char* path : {"/info", "/health", "/health?live", "/purchase", "/session/0123", "/nothing"}) {
        const Reply options = shop_->ask({"OPTIONS", path});
        EXPECT_EQ(options.status, 204) << path;
        expect_cors(options);
    }
    expect_cors(shop_->get("/info"));
    expect_cors(shop_->get("/health"));
    for (const auto& [ask, status] :
         std::vector<std::pair<Ask, int>>{{{"GET", "/nothing"}, 404},
                                          {{"GET", "/session/00112233445566778899aabbccddeeff"}, 404},
                                          {{"GET", "/purchase"}, 405},
                                          {{"POST", "/info"}, 405},
                                          {{"POST", "/purchase", {}, std::string(20'000, 'x')}, 413},
                                          {{"GET", "/info", {{"X-Cashu", std::string(300'000, 'x')}}}, 431}}) {
        const Reply reply = shop_->ask(ask);
        EXPECT_EQ(reply.status, status) << ask.path;
        EXPECT_FALSE(reply.reason().empty());
        expect_cors(reply);
    }
}

TEST_F(RefusalsTest, InfoSaysWhatIsForSaleAndHow)
{
    const Reply reply = shop_->get("/info");
    const auto info = nlohmann::json::parse(reply.body);
    EXPECT_EQ(info["spec_version"], "vpn-marketplace/1");
    EXPECT_EQ(info["pubkey"], shop_->operator_key.public_key().hex());
    EXPECT_EQ(info["mints"], nlohmann::json::array({shop_->world->mint_url()}));
    EXPECT_EQ(info["cashu_purchase_endpoints"], nlohmann::json::array({"https://shop.example/purchase"}));
    EXPECT_EQ(info["prices"].size(), 4U);
}

// ---- shops that can not sell ---------------------------------------------------------------------------------------

void expect_closed(Shop& shop, std::string_view reason)
{
    const Buyer buyer = shop.buyer({4, 32, 64});
    const Reply reply = shop.ask(buyer.request);
    EXPECT_EQ(reply.status, 503) << reply.body;
    EXPECT_EQ(reply.reason(), reason);
    expect_cors(reply);
    EXPECT_EQ(shop.spent_of(buyer), 0U);
    EXPECT_EQ(shop.world->mint_requests()["mint.swap"], 0U);
    EXPECT_EQ(shop.get("/health").status, 503);
    EXPECT_EQ(shop.get("/health?live").status, 200);
}

TEST(ClosedShop, WithNothingToBePaidWithDoesNotOpen)
{
    Settings settings;
    settings.cashu = "enabled = false";
    for (const bool listed : {true, false}) {
        settings.lists_cashu = listed;
        Shop shop(settings);
        shop.launch();
        EXPECT_EQ(shop.daemon->ended_within(Milliseconds(30'000)), 2);
        EXPECT_NE(shop.daemon->output().find("listing.payment_methods"), std::string::npos);
    }
}

TEST(ClosedShop, WithoutADeviceSellsNothingAndIsAliveAllTheSame)
{
    Settings settings;
    settings.wireguard = "interface = \"adit-none0\"\nbackend = \"auto\"\n";
    settings.subnet = "10.231.77.0/24";
    Shop shop(settings);
    shop.launch();
    ASSERT_TRUE(shop.daemon->wait_until_live());
    ASSERT_TRUE(fakes::eventually(Milliseconds(10'000), [&] { return shop.world->mint_requests()["mint.info"] > 0; }));
    expect_closed(shop, "policy");
}

TEST(ClosedShop, DoesNotSellForAMintThatCanNotBeRecoveredFrom)
{
    for (const int nut : {7, 9, 10, 11}) {
        devnet::WorldOptions options;
        options.mint.hidden_nuts = {nut};
        Shop shop({}, options);
        shop.launch();
        ASSERT_TRUE(shop.daemon->wait_until_live());
        const Buyer buyer = shop.buyer({4, 32, 64});
        Reply reply;
        fakes::eventually(Milliseconds(10'000), [&] {
            reply = shop.ask(buyer.request);
            return reply.reason() != "mint-unreachable"; // as long as nothing was heard from it
        });
        EXPECT_EQ(shop.spent_of(buyer), 0U);
        EXPECT_EQ(reply.reason(), "policy") << "NUT-" << nut;
    }
}

TEST(ClosedShop, WithoutAFreeAddressStillRenews)
{
    Settings settings;
    settings.subnet = "10.66.42.0/30"; // two addresses, of which the first is the server's by custom
    Shop shop(settings);
    shop.start();
    std::vector<Buyer> buyers;
    for (int i = 0; i < 3; ++i) {
        buyers.push_back(shop.buyer({4, 32, 64}));
        if (shop.ask(buyers.back().request).status != 200) break;
    }
    ASSERT_GE(buyers.size(), 2U);
    const Reply reply = shop.ask(buyers.back().request);
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.reason(), "no-ip-available");
    EXPECT_EQ(shop.spent_of(buyers.back()), 0U);
    // A key that has an address needs none.
    Buyer again = shop.buyer({4, 32, 64});
    again.client_key = buyers.front().client_key;
    EXPECT_EQ(delivered(shop.ask(shop.request(again))).quantity, 1U);
}

} // namespace
} // namespace adit::e2e
