// payments/transfers.h - moves the wallet's own money: out as a token or over Lightning, back to buyers, and around
// within the wallet. Beside the till the only place where ecash moves. spec: Transfers
#pragma once

#include "payments/swapper.h"
#include "payments/transfer.h"

namespace adit::payments {

/// A token over `amount`, face value. The mint's fee for making it is the wallet's.
struct SendOrder {
    std::optional<std::string> mint = {}; // none: the first where there is enough
    Sat amount = {};
    std::optional<protocol::PublicKey> lock = {}; // only this key can spend it, for 90 days; then we can too
    TransferKind kind = TransferKind::send;       // or refund
    std::optional<PurchaseId> purchase = {};      // that a refund is for
    /// A second order of the same name gives the first one's transfer, unless that has failed: after a crash, ask
    /// again.
    std::optional<std::string> reference = {};
};

struct WithdrawOrder {
    std::optional<std::string> mint = {};    // none: the first where there is enough
    std::string invoice = {};                // that names its amount
    std::optional<std::string> address = {}; // where it came from, for the books
    Sat max_fee = {};                        // for routing, and for the mint's own fees
    std::optional<std::string> reference = {};
};

/// What the wallet has at one mint, and what could be paid with it in one go.
struct MintFunds {
    std::string mint;
    Sat face;
    Sat payable; // after the mint's fees
};

/// Blocking: from workers. Any thread may call at any time; two calls for one transfer are safe (the journal lets one
/// win) but should not happen, since both would ask the mint.
class Transfers {
public:
    struct Parts {
        const Mints& mints;
        protocol::PublicKey sales_key; // gets back what is locked and not fetched in 90 days
        WalletOutputs& wallet;
        Journal& journal;
        TransferJournal& transfers;
        const Clock& clock;
        Rng& rng;
        /// The wallet's own, that nutzaps are locked to.
        std::function<Result<std::vector<protocol::SecretKey>>()> wallet_keys = [] {
            return Result<std::vector<protocol::SecretKey>>(std::vector<protocol::SecretKey>());
        };
    };
    /// What is referred to must outlive it.
    explicit Transfers(Parts parts);
    /// Called with each transfer whose outcome is not known, to be resumed later; once it is set.
    void on_unknown(std::function<void(TransferId)> unknown) { unknown_ = std::move(unknown); }

    // Each gives the row as it stands afterwards: done, or open where the mint has not answered. Errors: bad_request,
    // wrong_mint; policy (not enough, the fee, or what the invoice says; nothing was moved); mint_unreachable (nothing
    // was moved: the mint has told nothing yet); mint_refused, double_spent (the row has failed); store_unavailable,
    // busy.
    Result<Transfer> send(const SendOrder& order);
    Result<Transfer> withdraw(const WithdrawOrder& order);
    /// These proofs of the wallet as fewer, of the keyset in use.
    Result<Transfer> consolidate(Mint& mint, const std::vector<cashu::Proof>& proofs);

    /// Proofs of strangers, all locked to one of the wallet's keys, once for each name. Errors: as above; wrong_p2pk.
    Result<Transfer> take_nutzap(Mint& mint, std::vector<cashu::Proof> proofs, std::string name,
                                 const protocol::PublicKey& sender);

    /// One that is open, after silence or a crash. Errors: mint_unreachable (still unknown); as above.
    Result<Transfer> resume(TransferId id);

    /// Of each mint of the config. Errors: store_unavailable.
    Result<std::vector<MintFunds>> funds() const;

private:
    struct Choice {
        Mint* mint;
        std::vector<cashu::Proof> inputs;
    };
    struct Payment; // how an invoice would be paid at one mint
    using Outputs = std::vector<Output>;

    Result<std::vector<Mint*>> candidates(const std::optional<std::string>& mint) const;
    Result<std::vector<cashu::Proof>> held_at(const Mint& mint) const;
    Error not_enough(Sat amount, const std::vector<Mint*>& asked) const;
    Result<Choice> choose(const std::vector<Mint*>& mints, Sat amount) const;
    Result<Payment> plan_payment(Mint& mint, const WithdrawOrder& order, const lightning::Bolt11& invoice,
                                 Sat amount) const;

    Result<SwapIntent> swap_intent(const Mint& mint, std::span<const cashu::Proof> inputs, Outputs outputs) const;
    Result<SwapIntent> token_intent(const Mint& mint, const std::vector<cashu::Proof>& inputs,
                                    const NewTransfer& transfer) const;
    Result<SwapIntent> split_intent(const Mint& mint, const std::vector<cashu::Proof>& inputs, Sat needed) const;
    Result<SwapIntent> gather_intent(const Mint& mint, const std::vector<cashu::Proof>& inputs) const;
    Result<SwapIntent> nutzap_intent(const Mint& mint, std::vector<cashu::Proof> inputs) const;
    Result<SwapIntent> melt_intent(const Mint& mint, const std::vector<cashu::Proof>& inputs,
                                   const NewTransfer& transfer) const;

    SwapJob job_for(const Transfer& transfer) const;
    Result<Transfer> run(Mint& mint, const Transfer& transfer, StoredSwap swap);
    Result<Transfer> book(Mint& mint, const Transfer& transfer, const SignedSwap& done);
    Result<Transfer> pay(Mint& mint, TransferId id);
    Result<Transfer> follow(Mint& mint, TransferId id);
    Result<Transfer> judge_no(Mint& mint, const Transfer& transfer, const StoredSwap& melt, const std::string& why);
    Result<Transfer> book_payment(Mint& mint, const Transfer& transfer, const StoredSwap& melt,
                                  const cashu::MeltQuote& quote);
    Result<std::vector<cashu::Proof>> change_of(Mint& mint, const Transfer& transfer, const StoredSwap& melt,
                                                const cashu::MeltQuote& quote) const;
    Result<Transfer> as_known(TransferId id, Result<Transfer> outcome);
    Error fail(TransferId id, Reason reason, const std::string& why, std::span<const cashu::Point> spent = {}) const;

    const Parts parts_;
    const Swapper swapper_;
    std::function<void(TransferId)> unknown_ = [](TransferId) {};
};

} // namespace adit::payments
