#include "payments/lightning/backend.h"

#include "invoice_testing.h"

namespace adit::payments::lightning {
namespace {

constexpr UnixSeconds kBackendNow(1'800'000'000);

MadeInvoice made_of(const InvoiceDraft& draft)
{
    return MadeInvoice{sign(draft), sha256(test_preimage().expose()), test_preimage()};
}

InvoiceDraft good() { return good_draft(test_request(), sha256(test_preimage().expose()), kBackendNow); }

void expect_refused(const MadeInvoice& made, const char* what)
{
    const auto checked = check_made(made, test_request(), Network::regtest, kBackendNow);
    ASSERT_FALSE(checked) << what;
    EXPECT_EQ(checked.error().reason, Reason::lightning_refused) << what;
    EXPECT_EQ(checked.error().detail.find(encode_hex(test_preimage().expose())), std::string::npos) << what;
}

TEST(CheckMade, AnInvoiceThatFitsTheRequestTellsWhenItExpires)
{
    const auto checked = check_made(made_of(good()), test_request(), Network::regtest, kBackendNow);
    ASSERT_TRUE(checked) << checked.error().detail;
    EXPECT_EQ(*checked, kBackendNow + Seconds(600));
}

TEST(CheckMade, AClockAMinuteOffIsTakenAndNoMore)
{
    for (const std::int64_t off : {-61, -60, 60, 61}) {
        InvoiceDraft draft = good();
        draft.timestamp = static_cast<std::uint64_t>(kBackendNow.count() + off);
        EXPECT_EQ(check_made(made_of(draft), test_request(), Network::regtest, kBackendNow).has_value(),
                  off >= -60 && off <= 60)
            << off;
    }
}

TEST(CheckMade, WhateverDoesNotFitIsRefused)
{
    EXPECT_FALSE(check_made(made_of(good()), test_request(), Network::bitcoin, kBackendNow));
    for (const char* prefix :
         {"lnbcrt209n", "lnbcrt211n", "lnbcrt2100n", "lnbcrt210u", "lnbcrt", "lnbcrt2101n", "lnbc210n"}) {
        InvoiceDraft draft = good();
        draft.prefix = prefix;
        expect_refused(made_of(draft), prefix);
    }
    for (const std::uint8_t type : {kH, kP}) {
        InvoiceDraft draft = good();
        for (InvoiceField& field : draft.fields)
            if (field.type == type) field.words[3] ^= 1U;
        expect_refused(made_of(draft), "another hash");
    }
    InvoiceDraft described = good(); // a plain description, which strict wallets refuse to pay
    for (InvoiceField& field : described.fields)
        if (field.type == kH) field = {kD, protocol::to_words(as_bytes("VPN"))};
    expect_refused(made_of(described), "plain description");
    for (const std::uint64_t expiry : {0U, 500U, 700U, 86400U}) {
        InvoiceDraft draft = good();
        for (InvoiceField& field : draft.fields)
            if (field.type == kX) field.words = number_words(expiry, 6);
        expect_refused(made_of(draft), "another expiry");
        const auto why = check_made(made_of(draft), test_request(), Network::regtest, kBackendNow).error().detail;
        EXPECT_NE(why.find(expiry < 600 ? " s earlier" : " s later"), std::string::npos) << why;
        EXPECT_EQ(why.find('-'), std::string::npos) << why;
    }
    expect_refused({"", sha256(test_preimage().expose()), test_preimage()}, "nothing");
    expect_refused({"lnbc1", sha256(test_preimage().expose()), test_preimage()}, "no invoice");
    expect_refused({sign(good()), PaymentHash{1}, test_preimage()}, "a hash beside it that is another");
    expect_refused({sign(good()), sha256(test_preimage().expose()), test_preimage(9)}, "another preimage");
    const PaymentHash other = sha256(test_preimage(9).expose()); // hash and invoice agree, the preimage does not
    expect_refused({sign(good_draft(test_request(), other, kBackendNow)), other, test_preimage()}, "not its preimage");
}

TEST(CheckMade, AnAmountThatDoesNotFitInMsatIsRefused)
{
    InvoiceRequest request = test_request();
    request.amount = Sat(std::numeric_limits<std::uint64_t>::max());
    EXPECT_FALSE(check_made(made_of(good()), request, Network::regtest, kBackendNow));
}

} // namespace
} // namespace adit::payments::lightning
