#include "devnet/lnd_world.h"

namespace adit::devnet {
namespace {

using nlohmann::json;

class LndPayments : public LndWorld {
protected:
    LightningInvoice elsewhere(std::optional<Msat> amount = Msat(21'000))
    {
        return *lightning_.make(LightningNode::phoenixd, {amount, "an hour", {}, Seconds(600)});
    }
    ReplyOf send(const std::string& bolt11, json more = {{"fee_limit_sat", 10}})
    {
        more["payment_request"] = bolt11;
        return post("/v2/router/send", more);
    }
    static json last(const ReplyOf& stream)
    {
        return stream->messages.empty() ? json() : json::parse(stream->messages.back())["result"];
    }
    static void expect_stream_error(const ReplyOf& reply, int status, int code, const std::string& words)
    {
        ASSERT_EQ(reply->status(), status) << words;
        EXPECT_EQ(reply->json()["error"]["code"], code);
        EXPECT_EQ(reply->json()["error"]["message"], words);
    }
    std::string balance() { return get("/v1/balance/channels")->json()["local_balance"]["msat"]; }
};

TEST_F(LndPayments, APaymentIsInFlightAndThenSucceeds)
{
    const LightningInvoice invoice = elsewhere();
    const ReplyOf stream = send(invoice.bolt11);
    EXPECT_EQ(states(stream), (std::vector<std::string>{"IN_FLIGHT", "SUCCEEDED"}));
    EXPECT_TRUE(stream->ended);
    const json paid = last(stream);
    EXPECT_EQ(paid["payment_preimage"], encode_hex(*invoice.preimage)) << "hex, not base64";
    EXPECT_EQ(paid["payment_hash"], encode_hex(invoice.hash));
    EXPECT_EQ(paid["value_msat"], "21000");
    EXPECT_EQ(paid["fee_msat"], "2000");
    EXPECT_EQ(paid["failure_reason"], "FAILURE_REASON_NONE");
    EXPECT_EQ(balance(), "999977000");
    EXPECT_EQ(states(send(elsewhere().bolt11, {{"fee_limit_msat", "2000"}, {"no_inflight_updates", true}})),
              std::vector<std::string>{"SUCCEEDED"});
}

TEST_F(LndPayments, WithoutAFeeLimitOnlyFreeRoutesAreTaken)
{
    EXPECT_EQ(last(send(elsewhere().bolt11, json::object()))["failure_reason"], "FAILURE_REASON_NO_ROUTE");
    EXPECT_EQ(last(send(elsewhere().bolt11, {{"fee_limit_msat", 1'999}}))["status"], "FAILED");
    EXPECT_EQ(balance(), "1000000000");
    lnd_.set_settings({Msat(1'000'000), Msat(0)});
    EXPECT_EQ(last(send(elsewhere().bolt11, json::object()))["status"], "SUCCEEDED");
    EXPECT_EQ(last(send(elsewhere(Msat(2'000'000)).bolt11))["failure_reason"], "FAILURE_REASON_INSUFFICIENT_BALANCE");
}

TEST_F(LndPayments, WhatTheFarEndRefusesFailsAndCanBeTriedAgain)
{
    const LightningInvoice invoice = elsewhere();
    lightning_.set_clock_offset(LightningNode::phoenixd, Seconds(700));
    const ReplyOf refused = send(invoice.bolt11);
    EXPECT_EQ(last(refused)["failure_reason"], "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS");
    EXPECT_EQ(balance(), "1000000000");
    lightning_.set_clock_offset(LightningNode::phoenixd, Seconds(0));
    EXPECT_EQ(last(send(invoice.bolt11))["status"], "SUCCEEDED");
    expect_stream_error(send(invoice.bolt11), 409, 6, "invoice is already paid");
}

TEST_F(LndPayments, RequestsThatMakeNoSenseAreRefusedBeforeAnythingIsPaid)
{
    const LightningInvoice own = *lightning_.make(LightningNode::lnd, {Msat(21'000)});
    expect_stream_error(send(own.bolt11), 500, 2, "self-payments not allowed");
    EXPECT_EQ(last(send(own.bolt11, {{"allow_self_payment", true}}))["status"], "SUCCEEDED");
    expect_stream_error(send(elsewhere({}).bolt11), 500, 2,
                        "amount must be specified when paying a zero amount invoice");
    EXPECT_EQ(last(send(elsewhere({}).bolt11, {{"amt", 5}, {"fee_limit_sat", 2}}))["value_sat"], "5");
    expect_stream_error(send(elsewhere().bolt11, {{"amt", 5}}), 500, 2,
                        "amount must not be specified when paying a non-zero amount invoice");
    expect_stream_error(send(elsewhere().bolt11, {{"fee_limit_sat", 1}, {"fee_limit_msat", 1}}), 500, 2,
                        "sat and msat arguments are mutually exclusive");
    EXPECT_EQ(send("junk")->status(), 500);
    EXPECT_EQ(send(elsewhere().bolt11, {{"fee_limit", 1}})->status(), 400);
    const LightningInvoice old = elsewhere();
    clock_.advance(Seconds(600));
    EXPECT_EQ(send(old.bolt11)->status(), 500);
}

TEST_F(LndPayments, AHeldPaymentIsInFlightUntilItsInvoiceIsResolved)
{
    const PaymentPreimage preimage = rng_.bytes<32>();
    InvoicePlan plan{Msat(21'000), "x", {}, Seconds(600)};
    plan.hold = sha256(preimage);
    const std::string bolt11 = lightning_.make(LightningNode::lnd, plan)->bolt11;
    const json to_self{{"allow_self_payment", true}};
    const ReplyOf stream = send(bolt11, to_self);
    EXPECT_EQ(states(stream), std::vector<std::string>{"IN_FLIGHT"});
    expect_stream_error(send(bolt11, to_self), 409, 6, "payment is in transition");
    const ReplyOf tracked = get("/v2/router/track/" + url_base64(sha256(preimage)));
    EXPECT_EQ(states(tracked), std::vector<std::string>{"IN_FLIGHT"});
    lightning_.settle(LightningNode::lnd, preimage);
    for (const ReplyOf& reply : {stream, tracked}) {
        EXPECT_EQ(last(reply)["payment_preimage"], encode_hex(preimage));
        EXPECT_TRUE(reply->ended);
    }

    plan.hold = sha256(rng_.bytes<32>());
    const ReplyOf canceled = send(lightning_.make(LightningNode::lnd, plan)->bolt11, to_self);
    lightning_.cancel(LightningNode::lnd, *plan.hold);
    EXPECT_EQ(last(canceled)["failure_reason"], "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS");
}

TEST_F(LndPayments, TrackingTellsTheEndOfAPastPayment)
{
    const LightningInvoice invoice = elsewhere();
    send(invoice.bolt11);
    const ReplyOf tracked = get("/v2/router/track/" + url_base64(invoice.hash));
    EXPECT_EQ(states(tracked), std::vector<std::string>{"SUCCEEDED"});
    EXPECT_TRUE(tracked->ended);
    expect_stream_error(get("/v2/router/track/" + url_base64(Bytes(32))), 404, 5, "payment isn't initiated");
}

TEST_F(LndPayments, InvoicesAreDecoded)
{
    const Sha256 description = sha256(as_bytes("metadata"));
    const LightningInvoice invoice =
        *lightning_.make(LightningNode::phoenixd, {Msat(21'500), "", description, Seconds(600), 40});
    const json decoded = get("/v1/payreq/" + invoice.bolt11)->json();
    EXPECT_EQ(decoded["destination"], encode_hex(lightning_.id_of(LightningNode::phoenixd)));
    EXPECT_EQ(decoded["payment_hash"], encode_hex(invoice.hash)) << "hex";
    EXPECT_EQ(decoded["num_satoshis"], "21");
    EXPECT_EQ(decoded["num_msat"], "21500");
    EXPECT_EQ(decoded["description"], "");
    EXPECT_EQ(decoded["description_hash"], encode_hex(description));
    EXPECT_EQ(decoded["expiry"], "600");
    EXPECT_EQ(decoded["cltv_expiry"], "40");
    EXPECT_EQ(decoded["timestamp"], std::to_string(clock_.now().count()));
    expect_error(get("/v1/payreq/lnbcrt1x"), 500, 2, "invalid invoice");
    expect_error(get("/v1/payreq/"
                     "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5"
                     "rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrs"
                     "gq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyet"
                     "p5h2tztugp9lfyql"),
                 500, 2, "not for current active network");
}

TEST_F(LndPayments, TheNodeSaysWhoItIs)
{
    const json info = get("/v1/getinfo")->json();
    EXPECT_EQ(info["identity_pubkey"], encode_hex(lightning_.id_of(LightningNode::lnd)));
    EXPECT_EQ(info["chains"][0]["network"], "regtest");
    EXPECT_EQ(info["block_height"], lightning_.height());
    EXPECT_EQ(info["synced_to_chain"], true);
}

} // namespace
} // namespace adit::devnet
