// payments/lightning/lnd.h - LND as a backend, over REST.
#pragma once

#include "payments/lightning/backend.h"
#include "payments/lightning/lnd_streams.h"

#include <mutex>

namespace adit::payments::lightning {

/// The header line that a macaroon goes in. LND may do with it what the macaroon lets: invoices:read, invoices:write
/// and info:read are needed (LND's own invoice.macaroon lacks the last one, which the network's name and the block
/// height come from).
SecretText lnd_header(std::string_view macaroon);

enum class Settling {
    at_once, // LND settles what is paid
    held,    // hold invoices: we do
};

class LndBackend final : public Backend {
public:
    /// `access.header`: of lnd_header(); `access.ca_file`: LND's tls.cert.
    LndBackend(NodeAccess access, Settling settling, EventTiming timing = {});

    std::string_view name() const override { return "lnd"; }
    bool holds() const override { return settling_ == Settling::held; }
    Result<Network> network() override;
    Result<MadeInvoice> make(const InvoiceRequest& request) override;
    Result<InvoiceStatus> look_up(const PaymentHash& hash) override;
    Result<void> settle(const Preimage& preimage) override;
    /// Errors: not_found too; lightning_refused where it is settled.
    Result<void> cancel(const PaymentHash& hash) override;
    void start(Listener& listener, std::uint64_t settle_index) override;
    void follow(const PaymentHash& hash) override;
    void stop() override;

private:
    Result<std::string> body_of(Result<HttpReply> reply, std::string_view act) const;
    Result<LndInvoice> invoice(const PaymentHash& hash, SteadyTime deadline);
    Result<LndInfo> info(SteadyTime deadline);
    Result<void> finish(const PaymentHash& hash, Result<HttpReply> reply, std::string_view act, InvoiceState wanted,
                        SteadyTime deadline);

    NodeHttp http_;
    const Settling settling_;
    LndStreams streams_; // uses http_'s access

    std::mutex mutex_;
    LndInfo info_; // guarded by mutex_
    std::optional<SteadyTime> info_from_;
};

} // namespace adit::payments::lightning
