// cli/lightning_buyer.h - the way of a purchase over Lightning, from an offer to a tunnel. As in buyer.h: whatever
// happens, the record says where the money is. spec: Purchase with Lightning
#pragma once

#include "cli/buyer.h"
#include "cli/lnurl_pay.h"
#include "cli/payer.h"

namespace adit::cli {

/// One purchase never has a second invoice: the first could be paid for as long as it lives.
class LightningBuyer {
public:
    /// `payer`: the node that the record names; nullptr: the user pays by hand. Must outlive the buyer.
    LightningBuyer(Buyer::Parts parts, Payer* payer);

    /// Blocking. The record must be saved already. Safe to call again on any record of a purchase over Lightning, also
    /// one read back after a crash.
    Buyer::Outcome go_on(Record& record);

    /// What a wallet showed when it had paid: the config, the link with the config in it, or the payment's preimage.
    /// Errors: bad_encoding (none of these, or not of this purchase).
    Result<Buyer::Outcome> open_delivery(Record& record, std::string_view shown);

private:
    Result<void> begin(Record& record);
    Result<void> await_settlement(Record& record);
    Result<void> await_own_payment(Record& record, const MadeInvoice& made);
    Result<void> tell_payer(Record& record, const MadeInvoice& made);
    Result<void> own_payment_failed(Record& record, const MadeInvoice& made, const std::string& why);
    Result<void> look_at_verify(Record& record, const MadeInvoice& made);
    Result<void> take_preimage(Record& record, const MadeInvoice& made, SecretBytes<32> preimage);
    Buyer::Outcome deliver(Record& record);
    Buyer::Outcome finish(Record& record, const std::string& config, const MadeInvoice* made);
    Result<std::optional<UnixSeconds>> see_session(Record& record, const std::string& session, const MadeInvoice* made);
    Result<void> save(const Record& record) { return parts_.save(record); }
    bool patient(SteadyTime began, Seconds length) const { return parts_.clock.steady() - began < length; }

    Buyer::Parts parts_;
    Payer* payer_;
    Buyer coins_; // what is given back is ecash
};

/// Keys and offer of a new purchase over Lightning.
Record new_lightning_record(Offer offer, LightningMode mode, std::optional<PayerChoice> payer, const Clock& clock,
                            Rng& rng);

} // namespace adit::cli
