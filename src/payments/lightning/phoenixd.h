// payments/lightning/phoenixd.h - phoenixd as a backend. It chooses its preimages and shows them to anybody with its
// password, of unpaid invoices too, so its API belongs on the loopback interface.
#pragma once

#include "payments/lightning/backend.h"
#include "payments/lightning/event_socket.h"

#include <mutex>

namespace adit::payments::lightning {

/// The header line of HTTP Basic with an empty user, which phoenixd does not look at.
SecretText phoenixd_header(const SecretText& password);

/// No hold invoices: settle() and cancel() are `policy`. What its websocket told while nobody was connected is lost, so
/// each connection begins with events_may_be_missing().
class PhoenixdBackend final : public Backend {
public:
    /// `access.header`: of phoenixd_header(), for the limited-access password, which is enough.
    explicit PhoenixdBackend(NodeAccess access, EventTiming timing = {});

    std::string_view name() const override { return "phoenixd"; }
    bool holds() const override { return false; }
    Result<Network> network() override;
    Result<MadeInvoice> make(const InvoiceRequest& request) override;
    Result<InvoiceStatus> look_up(const PaymentHash& hash) override;
    Result<void> settle(const Preimage& preimage) override;
    Result<void> cancel(const PaymentHash& hash) override;
    void start(Listener& listener, std::uint64_t settle_index) override;
    void follow(const PaymentHash&) override {} // it tells of every payment
    void stop() override;

private:
    Result<std::string> body_of(Result<HttpReply> reply, std::string_view act) const;

    NodeHttp http_;
    const EventTiming timing_;
    std::mutex mutex_;
    std::unique_ptr<EventSocket> events_; // uses http_'s access
};

} // namespace adit::payments::lightning
