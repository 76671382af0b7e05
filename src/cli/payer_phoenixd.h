// cli/payer_phoenixd.h - paying with phoenixd. wire: phoenixd
#pragma once

#include "base/secret_text.h"
#include "cli/payer.h"

namespace adit::cli {

class PhoenixdPayer final : public Payer {
public:
    struct Access {
        std::string url;     // without a slash at the end
        SecretText header;   // a whole line
        std::string ca_file; // "": the system's certificates
    };
    PhoenixdPayer(payments::HttpClient& http, Access access) : http_(http), access_(std::move(access)) {}
    /// The header line of a password, which is wiped. phoenixd does not look at the user's name.
    static SecretText header(std::string&& password);

    std::string_view name() const override { return "phoenixd"; }
    Result<PaymentStatus> pay(const std::string& bolt11, const payments::lightning::PaymentHash& hash) override;
    Result<PaymentStatus> look_up(const payments::lightning::PaymentHash& hash) override;

private:
    Result<payments::HttpReply> call(payments::HttpCall call);

    payments::HttpClient& http_;
    const Access access_;
};

/// Of /payinvoice with status 200: paid, or failed where it carries a `reason`. Errors: bad_encoding.
Result<PaymentStatus> parse_phoenixd_paid(std::string_view body);
/// Of an outgoing payment. Errors: bad_encoding.
Result<PaymentStatus> parse_phoenixd_outgoing(std::string_view body);

} // namespace adit::cli
