#include "devnet/mint_world.h"

#include "base/hash.h"
#include "devnet/bolt11.h"
#include "payments/cashu/nut20.h"

namespace adit::devnet {
namespace {

using nlohmann::json;

class MintQuotesTest : public MintWorld {
protected:
    Reply mint_with(const std::string& quote, const std::vector<cashu::BlindedMessage>& outputs,
                    const std::optional<ByteArray<64>>& signature = {})
    {
        return wallet_.post("/v1/mint/bolt11", cashu::encode_mint(quote, outputs, signature));
    }
    /// An invoice of a node that is not the mint's.
    std::string invoice(std::uint64_t msat)
    {
        return encode_invoice({msat == 0 ? std::optional<Msat>() : Msat(msat), clock_.now(), Seconds(600),
                               rng_.bytes<32>(), rng_.bytes<32>(), "elsewhere"},
                              cashu::random_scalar(rng_));
    }
    Reply melt_quote(const std::string& request, json options = nullptr)
    {
        json body{{"request", request}, {"unit", "sat"}};
        if (!options.is_null()) body["options"] = std::move(options);
        return wallet_.post("/v1/melt/quote/bolt11", body.dump());
    }
    Reply melt(const std::string& quote, const Proofs& proofs, const std::vector<cashu::BlindedMessage>& blanks = {})
    {
        json body = json::parse(cashu::encode_swap(proofs, blanks));
        body["quote"] = quote;
        return wallet_.post("/v1/melt/bolt11", body.dump());
    }
};

TEST_F(MintQuotesTest, AQuotePaysItselfAndItsInvoiceIsReal)
{
    const Reply reply = wallet_.post("/v1/mint/quote/bolt11", R"({"amount":21,"unit":"sat","description":"one hour"})");
    const auto quote = cashu::parse_mint_quote(reply.body).value();
    EXPECT_EQ(quote.state, cashu::QuoteState::unpaid);
    EXPECT_EQ(parse_invoice(quote.request).value().amount, Msat(21'000));
    const auto later = cashu::parse_mint_quote(wallet_.get("/v1/mint/quote/bolt11/" + quote.id).body).value();
    EXPECT_EQ(later.state, cashu::QuoteState::paid);
    const auto outputs = wallet_.prepare(wallet_.keyset(), {1, 4, 16}).outputs;
    EXPECT_EQ(mint_with(quote.id, outputs).status, 200);
    EXPECT_EQ(cashu::parse_mint_quote(wallet_.get("/v1/mint/quote/bolt11/" + quote.id).body).value().state,
              cashu::QuoteState::issued);
    EXPECT_EQ(mint_with(quote.id, wallet_.prepare(wallet_.keyset(), {1, 4, 16}).outputs).code(), 20002);
    books_balance();
}

TEST_F(MintQuotesTest, PaidByHandItIsNotPaidUntilItIs)
{
    mint_.set_settings({.quote_payment = QuotePayment::by_hand});
    const std::string id = wallet_.mint_quote(4);
    const auto outputs = wallet_.prepare(wallet_.keyset(), {4}).outputs;
    EXPECT_EQ(mint_with(id, outputs).code(), 20001);
    const std::string late = wallet_.mint_quote(4);
    EXPECT_TRUE(mint_.pay_quote(id));
    EXPECT_FALSE(mint_.pay_quote("nothing"));
    EXPECT_EQ(mint_with(id, outputs).status, 200);
    clock_.advance(Seconds(3601));
    EXPECT_EQ(mint_with(late, wallet_.prepare(wallet_.keyset(), {4}).outputs).code(), 20007);
}

TEST_F(MintQuotesTest, BadQuotesAndMintsAreRefusedWithTheirCodes)
{
    const auto ask = [&](const char* body) { return wallet_.post("/v1/mint/quote/bolt11", body).code(); };
    EXPECT_EQ(ask(R"({"amount":0,"unit":"sat"})"), 11006);
    EXPECT_EQ(ask(R"({"amount":3000000000000000,"unit":"sat"})"), 11006);
    EXPECT_EQ(ask(R"({"amount":1,"unit":"usd"})"), 11013);
    EXPECT_EQ(ask(R"({"amount":1.5,"unit":"sat"})"), 10000);
    EXPECT_EQ(ask(R"({"amount":1,"unit":"sat","pubkey":"02"})"), 10000);
    EXPECT_EQ(mint_with("unknown", wallet_.prepare(wallet_.keyset(), {4}).outputs).code(), 10000);
    EXPECT_EQ(mint_with(wallet_.mint_quote(8), wallet_.prepare(wallet_.keyset(), {4}).outputs).code(), 11005);
    mint_.set_settings({.minting = Minting::disabled});
    EXPECT_EQ(ask(R"({"amount":1,"unit":"sat"})"), 20003);
    EXPECT_EQ(json::parse(wallet_.get("/v1/info").body)["nuts"]["4"]["disabled"], true);
}

TEST_F(MintQuotesTest, AQuoteWithAKeyNeedsItsSignatureInAFormThatIsAccepted)
{
    const auto key = protocol::SecretKey::generate(rng_);
    const cashu::Point point = cashu::even_point(key.public_key());
    const auto locked_quote = [&] {
        return cashu::parse_mint_quote(
                   wallet_.post("/v1/mint/quote/bolt11", cashu::encode_mint_quote(Sat(4), "sat", point)).body)
            .value();
    };
    const auto quote = locked_quote();
    EXPECT_EQ(quote.pubkey, point);
    const auto outputs = wallet_.prepare(wallet_.keyset(), {4}).outputs;
    const auto amended = cashu::sign_mint_quote(cashu::QuoteMessage::amended, quote.id, outputs, key, rng_);
    const auto legacy = cashu::sign_mint_quote(cashu::QuoteMessage::legacy, quote.id, outputs, key, rng_);
    EXPECT_EQ(mint_with(quote.id, outputs).code(), 20008);
    const auto other = wallet_.prepare(wallet_.keyset(), {4}).outputs;
    EXPECT_EQ(mint_with(quote.id, other, amended).code(), 20008);
    mint_.set_settings({.quote_signatures = QuoteSignatures::legacy_only});
    EXPECT_EQ(mint_with(quote.id, outputs, amended).code(), 20008);
    mint_.set_settings({.quote_signatures = QuoteSignatures::amended_only});
    EXPECT_EQ(mint_with(quote.id, outputs, legacy).code(), 20008);
    EXPECT_EQ(mint_with(quote.id, outputs, amended).status, 200);
}

TEST_F(MintQuotesTest, AMeltPaysTheInvoiceAndGivesChange)
{
    const std::string request = invoice(100'000);
    const json quote = json::parse(melt_quote(request).body);
    EXPECT_EQ(quote["amount"], 100);
    EXPECT_EQ(quote["fee_reserve"], 2);
    EXPECT_EQ(quote["state"], "UNPAID");
    const std::string id = quote["quote"];
    const cashu::Keyset keyset = wallet_.keyset();
    const Prepared blanks = wallet_.prepare(keyset, {1, 1, 1, 1, 1});
    const Proofs proofs = wallet_.mint({128});
    const Reply reply = melt(id, proofs, blanks.outputs);
    ASSERT_EQ(reply.status, 200) << reply.body;
    const json paid = json::parse(reply.body);
    EXPECT_EQ(paid["state"], "PAID");
    EXPECT_EQ(paid["payment_preimage"].get<std::string>().size(), 64U);
    const auto change = cashu::parse_signatures(json{{"signatures", paid["change"]}}.dump()).value();
    std::uint64_t back = 0;
    for (const cashu::Proof& proof : wallet_.unblind(keyset, blanks, change)) back += proof.amount.count();
    EXPECT_EQ(back, 27U) << "128 - 100 - 1 for routing";
    EXPECT_EQ(json::parse(wallet_.get("/v1/melt/quote/bolt11/" + id).body)["state"], "PAID");
    EXPECT_EQ(state_of(proofs[0]), "SPENT");
    EXPECT_EQ(mint_.accounting().melted, Sat(101));
    books_balance();
    EXPECT_EQ(melt(id, wallet_.mint({128})).code(), 20006);
    EXPECT_EQ(melt_quote(request).code(), 20006);
}

TEST_F(MintQuotesTest, ChangeThatHasNoBlankOutputIsAFee)
{
    const std::string id = json::parse(melt_quote(invoice(100'000)).body)["quote"];
    const Prepared one = wallet_.prepare(wallet_.keyset(), {0});
    const json paid = json::parse(melt(id, wallet_.mint({128}), one.outputs).body);
    ASSERT_EQ(paid["change"].size(), 1U);
    EXPECT_EQ(paid["change"][0]["amount"], 16) << "the largest part of 27";
    EXPECT_EQ(mint_.accounting().fees, Sat(11));
    books_balance();
}

TEST_F(MintQuotesTest, BadMeltsAreRefusedWithTheirCodesAndTakeNothing)
{
    EXPECT_EQ(melt_quote("lnbc1nonsense").code(), 10000);
    EXPECT_EQ(melt_quote(invoice(0)).code(), 11011);
    EXPECT_EQ(melt_quote(invoice(5000), {{"amountless", {{"amount_msat", 6000}}}}).code(), 11012);
    EXPECT_EQ(json::parse(melt_quote(invoice(0), {{"amountless", {{"amount_msat", 1500}}}}).body)["amount"], 2);
    EXPECT_EQ(melt_quote(invoice(5000), {{"mpp", {{"amount", 1000}}}}).code(), 10000);
    EXPECT_EQ(wallet_.post("/v1/melt/quote/bolt11", json{{"request", invoice(1000)}, {"unit", "usd"}}.dump()).code(),
              11013);
    const std::string id = json::parse(melt_quote(invoice(100'000)).body)["quote"];
    const Proofs proofs = wallet_.mint({64, 32, 4, 1});
    EXPECT_EQ(melt(id, proofs).code(), 11005) << "one sat less than amount and reserve";
    EXPECT_EQ(melt("unknown", proofs).code(), 10000);
    clock_.advance(Seconds(3601));
    EXPECT_EQ(melt(id, wallet_.mint({128})).code(), 20007);
    EXPECT_EQ(state_of(proofs[0]), "UNSPENT");
}

TEST_F(MintQuotesTest, SigAllBindsAMeltToItsQuote)
{
    const auto key = protocol::SecretKey::generate(rng_);
    const std::string id = json::parse(melt_quote(invoice(5'000)).body)["quote"];
    Proofs proofs = wallet_.mint({8}, locked_to(key, cashu::SigFlag::all));
    const auto blanks = wallet_.prepare(wallet_.keyset(), {1}).outputs;
    const auto sign_for = [&](std::string_view quote) {
        const std::string message = cashu::sig_all_message(proofs, blanks, quote);
        proofs[0].witness = cashu::encode_witness(std::vector{protocol::sign(key, sha256(as_bytes(message)), rng_)});
    };
    sign_for("");
    EXPECT_EQ(melt(id, proofs, blanks).code(), 10001);
    sign_for("another quote");
    EXPECT_EQ(melt(id, proofs, blanks).code(), 10001);
    sign_for(id);
    EXPECT_EQ(melt(id, proofs, blanks).status, 200);
}

TEST_F(MintQuotesTest, AHeldMeltIsPendingUntilItIsSettled)
{
    mint_.hold_melts(true);
    const std::string id = json::parse(melt_quote(invoice(5'000)).body)["quote"];
    const Proofs proofs = wallet_.mint({8});
    const auto blanks = wallet_.prepare(wallet_.keyset(), {1}).outputs;
    EXPECT_EQ(json::parse(melt(id, proofs, blanks).body)["state"], "PENDING");
    mint_.set_settings({.caching = Caching::off});
    EXPECT_EQ(melt(id, proofs, blanks).code(), 20005);
    EXPECT_EQ(state_of(proofs[0]), "PENDING");
    EXPECT_EQ(swap(proofs, Amounts{8}).code(), 11002);
    EXPECT_EQ(swap(wallet_.mint({1}), blanks).code(), 11004);
    EXPECT_TRUE(mint_.settle_melt(id, Mint::MeltEnd::failed));
    EXPECT_EQ(state_of(proofs[0]), "UNSPENT");
    EXPECT_EQ(json::parse(melt(id, proofs, blanks).body)["state"], "PENDING");
    EXPECT_TRUE(mint_.settle_melt(id, Mint::MeltEnd::paid));
    EXPECT_FALSE(mint_.settle_melt(id, Mint::MeltEnd::paid));
    EXPECT_EQ(state_of(proofs[0]), "SPENT");
    EXPECT_EQ(json::parse(wallet_.get("/v1/melt/quote/bolt11/" + id).body)["change"].size(), 1U);
    books_balance();
}

TEST_F(MintQuotesTest, PayingTheMintsOwnInvoiceCostsNoRouting)
{
    mint_.set_settings({.quote_payment = QuotePayment::by_hand});
    const auto own =
        cashu::parse_mint_quote(wallet_.post("/v1/mint/quote/bolt11", cashu::encode_mint_quote(Sat(4), "sat")).body)
            .value();
    mint_.set_settings({});
    const std::string id = json::parse(melt_quote(own.request).body)["quote"];
    const json paid = json::parse(melt(id, wallet_.mint({4, 2})).body);
    const auto preimage = parse_hex(paid["payment_preimage"].get<std::string>()).value();
    EXPECT_EQ(sha256(preimage), parse_invoice(own.request).value().payment_hash);
    EXPECT_EQ(cashu::parse_mint_quote(wallet_.get("/v1/mint/quote/bolt11/" + own.id).body).value().state,
              cashu::QuoteState::paid);
    EXPECT_EQ(mint_.accounting().melted, Sat(4));
    books_balance();
}

} // namespace
} // namespace adit::devnet
