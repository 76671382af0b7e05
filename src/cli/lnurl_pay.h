// cli/lnurl_pay.h - what is asked of an operator's LNURL-pay service, and what must be true of its answers before
// anybody pays. Blocking. LUD-06, LUD-12, LUD-21, spec: Purchase with Lightning
#pragma once

#include "cli/record.h"
#include "payments/http_client.h"
#include "payments/lightning/bolt11.h"
#include "protocol/lnurl.h"

namespace adit::cli {

/// The service's URL with the whole purchase in it: tier, quantity, and the public keys. Whoever pays it needs no
/// comment, where the operator knows these words.
std::string purchase_url(const Record& record);

/// Where the callback gets the keys from.
enum class KeysTravel {
    in_callback, // the operator has put them into the callback's URL
    in_comment,  // it has not, but takes a comment
};

struct PayOffer {
    std::string callback;
    std::string metadata;
    KeysTravel keys = KeysTravel::in_callback;
};
/// Asks purchase_url(), and checks that the offer is over the price, no more and no less.
/// Errors: policy (the operator's own words), amount_mismatch, bad_encoding (what can not be paid), mint_unreachable.
Result<PayOffer> ask_offer(payments::HttpClient& http, const Record& record);

struct MadeInvoice {
    protocol::PayAnswer answer; // with an action
    payments::lightning::Bolt11 invoice;
};
/// The callback's answer, whole: read_answer() understands it. Errors: as ask_offer.
Result<std::string> ask_invoice(payments::HttpClient& http, const Record& record, const PayOffer& offer);
/// Pure. The invoice is over the price, commits to the metadata, and comes with an aes action.
/// Errors: as ask_offer, without silence.
Result<MadeInvoice> read_answer(const Record& record, std::string_view json, std::string_view metadata);

/// Whether the operator says that the invoice is paid. Errors: policy (its words); mint_unreachable.
Result<protocol::VerifyAnswer> ask_verify(payments::HttpClient& http, const std::string& url);

} // namespace adit::cli
