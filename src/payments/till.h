// payments/till.h - takes a tender, gives a receipt; and gives money back.
// spec: Purchase with Cashu, Journal
#pragma once

#include "payments/cashu/token.h"
#include "payments/mints.h"
#include "payments/swapper.h"
#include "payments/tender.h"

namespace adit::payments {

/// What the till must know to cut a redeemed token in two.
struct Terms {
    Sat price;                 // ours
    protocol::PublicKey buyer; // what is left over is locked to this key
};

/// Blocking: from workers. Any thread may call at any time; two calls for one purchase are safe (the journal lets one
/// win) but should not happen, since both would ask the mint.
class Till {
public:
    /// All references must outlive the till. `sales_keys`: the key that buyers lock their tokens to, then those that
    /// were it before, to which tokens may be locked still. One at least.
    Till(const Mints& mints, std::vector<protocol::SecretKey> sales_keys, WalletOutputs& wallet, Journal& journal,
         const Clock& clock, Rng& rng);

    /// Asks no mint, but for the keys of a keyset never seen before (and that at most once in 10 s).
    /// Errors: invalid_token, wrong_mint, wrong_p2pk; mint_unreachable (nothing was ever heard from this mint, or the
    /// wallet's seed came from elsewhere and the mint has not said yet what it signed for it).
    Result<Tender> judge(const cashu::Token& token) const;

    /// A row in `reserved` becomes `redeemed` or `released`, or stays `swapping` where the mint does not answer: then
    /// resume() goes on. Errors: mint_unreachable (unknown, still swapping); double_spent, invalid_token,
    /// amount_mismatch, mint_refused (released, the proofs are unspent or were spent by someone else);
    /// store_unavailable, bad_step.
    Result<Receipt> redeem(PurchaseId purchase, const Tender& tender, const Terms& terms);
    /// A row in `swapping`, after silence or a crash: the same bytes again, then NUT-09 and NUT-07. Errors: as redeem.
    Result<Receipt> resume(PurchaseId purchase, const Terms& terms);

    /// A row in `redeemed` whose peer is confirmed gone becomes `refunded`, or stays `refunding`. Gives the token.
    /// Errors: mint_unreachable (unknown, still refunding); policy (the proofs are worth no more than their fee, or
    /// were spent by another client of the operator: owed, by hand); store_unavailable, bad_step.
    Result<std::string> refund(PurchaseId purchase, const protocol::PublicKey& buyer);
    /// The same for a purchase that was not paid by ecash: `amount` of whatever the wallet has, at the first mint where
    /// it has enough; the mint's fee is ours. Errors: as refund; policy (not enough at any one mint).
    Result<std::string> pay_back(PurchaseId purchase, Sat amount, const protocol::PublicKey& buyer);
    /// A row in `refunding`; `amount` as in pay_back, none for refund. Errors: as refund.
    Result<std::string> resume_refund(PurchaseId purchase, const protocol::PublicKey& buyer,
                                      std::optional<Sat> amount = std::nullopt);

    const Mints& mints() const { return mints_; }
    protocol::PublicKey public_key() const { return public_keys_.front(); }

private:
    Result<SwapIntent> redeem_intent(const Mint& mint, std::vector<cashu::Proof> inputs, const Terms& terms) const;
    /// `amount`: of the buyer, none for all there is.
    Result<SwapIntent> refund_intent(const Mint& mint, const std::vector<cashu::Proof>& inputs,
                                     const protocol::PublicKey& buyer, std::optional<Sat> amount) const;
    SwapJob redeem_job(PurchaseId purchase, const Terms& terms) const;
    SwapJob refund_job(PurchaseId purchase, const protocol::PublicKey& buyer, std::optional<Sat> amount) const;
    /// Those of one purpose that spend inputs of this purchase, oldest first. Errors: store_unavailable.
    Result<std::vector<StoredSwap>> swaps_for(PurchaseId purchase, SwapPurpose purpose) const;
    Result<Receipt> book_receipt(Mint& mint, PurchaseId purchase, const SignedSwap& done);
    Result<std::string> book_refund(Mint& mint, PurchaseId purchase, const SignedSwap& done);
    Result<Mint*> mint_of(const std::vector<StoredSwap>& swaps) const;
    BuyerLock lock_for(const protocol::PublicKey& buyer) const;

    const Mints& mints_;
    const std::vector<protocol::SecretKey> sales_keys_;
    const std::vector<protocol::PublicKey> public_keys_; // of each of them
    WalletOutputs& wallet_;
    Journal& journal_;
    const Clock& clock_;
    Rng& rng_;
    const Swapper swapper_;
};

} // namespace adit::payments
