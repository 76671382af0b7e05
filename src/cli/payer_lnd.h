// cli/payer_lnd.h - paying with LND's router, over its REST API. wire: LND
#pragma once

#include "base/secret_text.h"
#include "cli/payer.h"

namespace adit::cli {

class LndPayer final : public Payer {
public:
    struct Access {
        std::string url;     // without a slash at the end
        SecretText header;   // a whole line
        std::string ca_file; // "": the system's certificates
    };
    LndPayer(payments::HttpClient& http, Access access, Sat max_fee)
        : http_(http), access_(std::move(access)), max_fee_(max_fee)
    {
    }
    /// The header line of a macaroon file's bytes, which are wiped.
    static SecretText header(std::string&& macaroon);

    std::string_view name() const override { return "lnd"; }
    Result<PaymentStatus> pay(const std::string& bolt11, const payments::lightning::PaymentHash& hash) override;
    Result<PaymentStatus> look_up(const payments::lightning::PaymentHash& hash) override;

private:
    Result<payments::HttpReply> call(payments::HttpCall call);

    payments::HttpClient& http_;
    const Access access_;
    const Sat max_fee_;
};

/// What a streaming call of the router said.
struct LndAnswer {
    std::optional<PaymentStatus> status; // the last one
    std::int64_t code = 0;               // of gRPC, where it said an error
    std::string message;                 // of that, printable
};
/// Lines of {"result":…} and {"error":…}, or a bare {"code":…,"message":…}. At most 1 MiB. Errors: bad_encoding
/// (nothing of the kind).
Result<LndAnswer> parse_lnd_answer(std::string_view body);

} // namespace adit::cli
