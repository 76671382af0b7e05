// cli/payer.h - the buyer's own Lightning node, told to pay an invoice. payer_lnd.cpp and payer_phoenixd.cpp know how.
#pragma once

#include "cli/arguments.h"
#include "cli/lightning_record.h"
#include "payments/http_client.h"
#include "payments/lightning/bolt11.h"

#include <memory>

namespace adit::cli {

/// What became of paying one invoice, by the word of the node.
struct PaymentStatus {
    enum class State {
        absent,  // the node was never told, or has forgotten it
        pending, // it may still be paid
        failed,  // not paid, and the node will not try again by itself
        paid,
    } state = State::absent;
    std::optional<SecretBytes<32>> preimage = {}; // of a paid one; whether it fits is for the caller
    std::string why = {};                         // of a failed one; printable
};

inline constexpr std::size_t kMostNodeAnswer = 1 << 20; // bytes
inline constexpr Milliseconds kPayTimeout{90'000};

/// Calls block, for some 90 s at most. Errors of both: lightning_unreachable (silence, or an answer that makes no
/// sense: nothing is known), lightning_refused (a definite no, such as a wrong password: nothing was done). No detail
/// repeats a secret.
class Payer {
public:
    virtual ~Payer() = default;
    virtual std::string_view name() const = 0;
    /// Must be preceded by a look_up that found it absent or failed, and by a note on disk. Nodes do not pay one
    /// invoice twice.
    virtual Result<PaymentStatus> pay(const std::string& bolt11, const payments::lightning::PaymentHash& hash) = 0;
    virtual Result<PaymentStatus> look_up(const payments::lightning::PaymentHash& hash) = 0;
};

/// The words --pay-with, --pay-url, --pay-macaroon-file, --pay-password-file, --pay-cert-file and --pay-max-fee; none
/// where they are not there. Errors: bad_request.
Result<std::optional<PayerChoice>> parse_payer_choice(const Arguments& arguments);

/// Reads the secret. `price` is for the fee where the user has not said how much it may be: 1 % and 10 sat.
/// `http` must outlive it. Errors: io, bad_config (the file holds no secret).
Result<std::unique_ptr<Payer>> make_payer(const PayerChoice& choice, Sat price, payments::HttpClient& http);

} // namespace adit::cli
