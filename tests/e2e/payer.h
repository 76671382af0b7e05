// tests/e2e/payer.h - a wallet that follows the LUDs, and the invoice that it got from a shop.
#pragma once

#include "e2e/shop.h"
#include "payments/lightning/bolt11.h"
#include "protocol/lnurl.h"
#include "protocol/wg_config.h"

namespace adit::e2e {

class Payer {
public:
    explicit Payer(Shop& shop);

    /// Offer, then invoice, checked as a wallet does. False: refused, by this word.
    bool ask_invoice();
    /// The same of a daemon that may die meanwhile: false then too, and nothing is expected of it.
    bool try_invoice();
    const std::string& refusal() const { return refusal_; }
    /// By a node of the pretended network. False: it was not taken.
    bool pay();
    /// Asks the verify URL until it says that the payment is settled; false after `patience`.
    bool until_settled(Milliseconds patience = Milliseconds(20'000));
    protocol::VerifyAnswer verify() const;
    /// What the preimage that was paid for opens. Fails the test where it opens nothing.
    protocol::ClientConfig config() const;
    /// The page that the config names.
    std::string session_path() const;

    Shop& shop;
    protocol::WireguardKey client_key;
    protocol::PublicKey refund_key;
    protocol::PayAnswer answer;
    payments::lightning::PaymentHash hash{};

private:
    std::string plaintext() const;
    std::string refusal_;
    std::optional<SecretBytes<32>> preimage_;
};

/// The path and query of a URL of the shop's.
std::string path_of(const std::string& url);

} // namespace adit::e2e
