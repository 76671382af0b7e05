// devnet/phoenixd.h - a look-alike of phoenixd's HTTP API over the pretended Lightning network, without its socket.
#pragma once

#include "devnet/lightning.h"
#include "devnet/look_alike.h"

#include <nlohmann/json_fwd.hpp>

namespace adit::devnet {

struct PhoenixdSettings {
    /// What the next payment pays for liquidity, once: receivedSat is so much less than the invoice. A payment that is
    /// not more than this is taken whole, as fee credit.
    Sat liquidity_fee{0};
    Sat balance{1'000'000}; // what it can pay with
    Sat inbound{0};         // what its channel has room for, as /getinfo says; 0: it has no channel
};

/// Loop thread. Amounts are whole satoshis, `fees` millisatoshis, timestamps milliseconds, as there; errors are text.
class Phoenixd final : public LookAlike, public LightningListener {
public:
    /// Everything must outlive it, but its replies need not be used again.
    Phoenixd(Lightning& lightning, Rng& rng);
    Phoenixd(const Phoenixd&) = delete;
    Phoenixd& operator=(const Phoenixd&) = delete;

    /// http-password and http-password-limited-access: 64 hex digits. Any user name goes with them. Any thread.
    const std::string& full_password() const { return full_password_; }
    const std::string& limited_password() const { return limited_password_; }

    PhoenixdSettings settings() const { return settings_; }
    void set_settings(const PhoenixdSettings& settings) { settings_ = settings; }
    std::size_t websockets() const;

    std::string_view name() const override { return "phoenixd"; }
    std::string_view endpoint(const http::Request& request) const override;
    HttpAnswer rejection(const Fault& fault) const override;
    void handle(const http::Request& request, const ReplyPtr& reply) override;
    void invoice_changed(const LightningInvoice& invoice) override;

private:
    struct Route;
    struct Call;
    /// What it keeps of an invoice beside the network's own record.
    struct Incoming {
        PaymentHash hash;
        std::string external_id;
        Sat received;
        Msat fees;
    };
    struct Outgoing {
        std::string id;
        PaymentHash hash;
        std::string bolt11;
        Sat amount;
        Sat fee;
        UnixSeconds created_at;
        UnixSeconds completed_at; // 0: not yet
        enum class State { pending, paid, failed } state = State::pending;
        ReplyPtr waiting; // for the outcome
    };
    enum class Access { none, limited, full };

    static const Route* route_of(const http::Request& request);
    Access access_of(const http::Request& request) const;

    HttpAnswer info(const Call& call);
    HttpAnswer balance(const Call& call);
    HttpAnswer channels(const Call& call);
    HttpAnswer create_invoice(const Call& call);
    HttpAnswer incoming(const Call& call);
    HttpAnswer incoming_list(const Call& call);
    HttpAnswer outgoing(const Call& call);
    HttpAnswer outgoing_by_hash(const Call& call);
    void pay_invoice(const Call& call, const ReplyPtr& reply);
    void open_websocket(const http::Request& request, const ReplyPtr& reply);

    void receive(const LightningInvoice& invoice);
    void finish(Outgoing& payment, const LightningInvoice& invoice);
    nlohmann::json describe(const Incoming& incoming) const;
    nlohmann::json describe(const Outgoing& payment) const;

    Lightning& lightning_;
    Rng& rng_;
    const std::string full_password_;
    const std::string limited_password_;
    PhoenixdSettings settings_;
    Sat fee_credit_;
    std::vector<Incoming> incoming_; // in the order made
    std::vector<Outgoing> outgoing_;
    std::vector<ReplyPtr> websockets_;
};

} // namespace adit::devnet
