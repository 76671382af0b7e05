// cli/buyer.h - the way of a purchase, from an offer to a tunnel. Whatever happens, the record says where the money is,
// and go_on() picks it up from there. spec: Purchase with Cashu
#pragma once

#include "base/clock.h"
#include "base/rng.h"
#include "cli/mint_work.h"
#include "payments/http_client.h"
#include "protocol/purchase_body.h"

namespace adit::cli {

/// What a purchase tells whoever waits for it. Never a secret.
class Reporter {
public:
    virtual ~Reporter() = default;
    /// One step is done.
    virtual void say(const std::string& line) = 0;
    /// Something is under way that may take longer than a second; replaced by the next.
    virtual void progress(const std::string& line) = 0;
    /// To be paid by the user's own Lightning wallet.
    virtual void show_invoice(const std::string& bolt11, Sat amount, std::optional<UnixSeconds> expiry) = 0;
    /// Between two tries.
    virtual void pause(Milliseconds length) = 0;
};

enum class End {
    delivered, // the record has the tunnel
    refunded,  // the record has the money, as a coin
    refused,   // nothing was paid, or the given token is the user's as before
    handed,    // the record has an LNURL that a wallet pays; what it gets comes back through open_delivery()
    open,      // the record has money in an open state: go_on() later
};

struct Patience {
    Seconds invoice{3600}; // for the user to pay
    Seconds silence{120};  // of the mint or the operator
};

class Buyer {
public:
    struct Parts {
        payments::HttpClient& http; // all references must outlive the buyer
        const Clock& clock;
        Rng& rng;
        Reporter& reporter;
        /// Durable when it returns.
        std::function<Result<void>(const Record&)> save;
        Patience patience = {};
    };
    struct Outcome {
        End end;
        std::string why = {}; // for people, unless delivered
    };

    explicit Buyer(Parts parts);

    /// Blocking. The record must be saved already. Safe to call again on any record, also one read back after a crash.
    Outcome go_on(Record& record);

    /// Swaps change, refunds, and a payment that was never taken (from its locktime on) to ecash that whoever has it
    /// can spend: a coin of kind redeemed. True: there was something. Errors: as carry_out; policy (nothing can be
    /// redeemed yet: the detail says when).
    Result<bool> redeem(Record& record);

    /// Ends a delivered tunnel before its time: what is given back is in the record, as coins of kind refund, when this
    /// returns. Gives the operator's word on how much that is. Errors: bad_request (there is nothing that could be
    /// closed); policy (the operator refuses: the tunnel is as it was); mint_unreachable (no definite answer: ask
    /// again).
    Result<Sat> close(Record& record);

    /// The operator could not deliver, and gave the money back as ecash: the record keeps it, however it looks.
    Outcome take_refund(Record& record, const protocol::Refunded& answer);

private:
    Result<void> begin(Record& record);
    Result<void> probe(const Record& record);
    Result<void> begin_with_given(Record& record);
    Result<void> await_payment(Record& record);
    Result<void> fund(Record& record);
    Result<void> prepare_request(Record& record);
    Outcome ask(Record& record);
    Outcome take_delivery(Record& record, const std::string& answer);
    Outcome take_refusal(Record& record, Reason reason);
    Result<void> mark_spent_coins(Record& record);
    Result<bool> book_redeemed(Record& record, std::vector<payments::cashu::Proof> proofs);
    void add_coin(Record& record, Coin::Kind kind, const std::string& token);

    Result<MintWork> mint_work(const Record& record, payments::cashu::QuoteMessage form);
    Result<MintWork> swap_work(const Record& record);
    Result<MintWork> redeem_work(const Record& record);
    Result<payments::Mint*> mint_of(const Record& record);
    Result<payments::OwnedProofs> carry_out_patiently(const WorkShop& shop);
    PaymentLock lock_of(const Record& record) const;
    Result<void> save(const Record& record) { return parts_.save(record); }
    /// False once `length` has passed since `began`.
    bool patient(SteadyTime began, Seconds length) const;

    Parts parts_;
    std::unique_ptr<payments::Mint> mint_; // that of the record
    payments::cashu::QuoteMessage quote_form_ = payments::cashu::QuoteMessage::amended;
};

/// Keys and offer of a new purchase.
Record new_record(Offer offer, std::optional<std::string> token, const Clock& clock, Rng& rng);
/// Price × quantity. Errors: bad_request (it does not fit).
Result<Sat> cost_of(const Offer& offer);
/// The sum of the coins that are not spent. Saturates.
Sat value_of_coins(const Record& record);

} // namespace adit::cli
