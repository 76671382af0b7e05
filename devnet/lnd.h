// devnet/lnd.h - a look-alike of LND's REST API over the pretended Lightning network, without its socket.
#pragma once

#include "devnet/grpc_json.h"
#include "devnet/lightning.h"
#include "devnet/look_alike.h"

namespace adit::devnet {

struct LndSettings {
    Msat balance{1'000'000'000}; // what it can pay with
    Msat route_fee{2'000};       // what any payment to another node costs
    Msat inbound{1'000'000'000}; // what it says that it can be paid; nothing is refused for it
};

/// Loop thread. Names and errors are those of LND 0.20, which answers most of what it does not like with 500.
class Lnd final : public LookAlike, public LightningListener {
public:
    /// Everything must outlive it, but its replies need not be used again.
    Lnd(Lightning& lightning, Rng& rng);
    Lnd(const Lnd&) = delete;
    Lnd& operator=(const Lnd&) = delete;

    /// The bytes of invoice.macaroon, which opens what is about invoices and nothing else: not getinfo, not payreq.
    /// Any thread.
    const Bytes& invoice_macaroon() const { return invoice_macaroon_; }
    /// admin.macaroon opens everything. Any thread.
    const Bytes& admin_macaroon() const { return admin_macaroon_; }

    LndSettings settings() const { return settings_; }
    void set_settings(const LndSettings& settings) { settings_ = settings; }
    /// How many clients listen to all invoices, or to one.
    std::size_t streams() const;

    std::string_view name() const override { return "lnd"; }
    std::string_view endpoint(const http::Request& request) const override;
    HttpAnswer rejection(const Fault& fault) const override;
    void handle(const http::Request& request, const ReplyPtr& reply) override;
    void invoice_changed(const LightningInvoice& invoice) override;

private:
    struct Route;
    struct Call;
    /// What it keeps of an invoice beside the network's own record.
    struct Record {
        PaymentHash hash;
        std::string memo;
        std::uint64_t add_index;
        std::uint64_t settle_index; // 0: not yet
    };
    struct InvoiceStream {
        std::optional<PaymentHash> only; // none: all, but added and settled ones only
        ReplyPtr reply;
    };
    struct Payment {
        std::uint64_t index; // from 1
        PaymentHash hash;
        std::string bolt11;
        Msat amount;
        Msat fee;
        UnixSeconds created_at;
        enum class State { in_flight, succeeded, failed } state = State::in_flight;
        std::string_view failure = "FAILURE_REASON_NONE";
    };
    enum class Updates { all, final_only };
    struct PaymentStream {
        PaymentHash hash;
        Updates updates;
        ReplyPtr reply;
    };
    enum class Permission { invoices, everything };

    static const Route* route_of(const http::Request& request);
    Rpc<std::monostate> authorize(const http::Request& request, Permission needed) const;

    // lnd_invoices.cpp
    Rpc<nlohmann::json> add_invoice(const Call& call);
    Rpc<nlohmann::json> add_hold_invoice(const Call& call);
    Rpc<nlohmann::json> lookup_by_hex(const Call& call);
    Rpc<nlohmann::json> lookup_by_hash(const Call& call);
    Rpc<nlohmann::json> list(const Call& call);
    Rpc<nlohmann::json> settle(const Call& call);
    Rpc<nlohmann::json> cancel(const Call& call);
    Rpc<std::monostate> subscribe(const Call& call, const ReplyPtr& reply);
    Rpc<std::monostate> subscribe_one(const Call& call, const ReplyPtr& reply);
    Rpc<InvoicePlan> plan_of(const ProtoMessage& message) const;
    Rpc<nlohmann::json> make(const InvoicePlan& plan, std::string memo);
    Rpc<nlohmann::json> look_up(const PaymentHash& hash) const;
    Record* find(const PaymentHash& hash);
    nlohmann::json describe(const Record& record) const;
    void tell(const Record& record);

    // lnd_payments.cpp
    Rpc<nlohmann::json> info(const Call& call);
    Rpc<nlohmann::json> balance(const Call& call);
    Rpc<nlohmann::json> decode(const Call& call);
    Rpc<std::monostate> send(const Call& call, const ReplyPtr& reply);
    Rpc<std::monostate> track(const Call& call, const ReplyPtr& reply);
    Payment* find_payment(const PaymentHash& hash);
    /// Errors: those of LND, before anything is paid.
    Rpc<Payment> judge_payment(const ProtoMessage& message);
    void attempt(Payment& payment, Msat fee_limit);
    void finish(Payment& payment, const LightningInvoice& invoice);
    void follow(const Payment& payment, Updates updates, const ReplyPtr& reply);
    nlohmann::json describe(const Payment& payment) const;
    void tell(const Payment& payment);

    Lightning& lightning_;
    const Bytes invoice_macaroon_;
    const Bytes admin_macaroon_;
    LndSettings settings_;
    std::vector<Record> records_; // by add_index
    std::uint64_t settled_ = 0;   // the last settle_index
    std::vector<InvoiceStream> invoice_streams_;
    std::vector<Payment> payments_;
    std::vector<PaymentStream> payment_streams_;
};

} // namespace adit::devnet
