#include "app/metrics.h"

#include "protocol/reasons.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace adit::app {

namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::Labels;
using session::Method;

const Histogram::BucketBoundaries kSwift{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
const Histogram::BucketBoundaries kPatient{1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800};

std::string tier_label(std::string_view amount, std::string_view unit)
{
    return std::string(amount) + " sat/" + std::string(unit);
}

Labels of_method(Method method) { return {{"method", std::string(session::method_word(method))}}; }

Labels of_money(Method method, const std::optional<std::string>& mint)
{
    Labels labels = of_method(method);
    if (mint) labels.emplace("mint", *mint);
    return labels;
}

Labels of_tier(Method method, std::string_view amount, std::string_view unit)
{
    Labels labels = of_method(method);
    labels.emplace("tier", tier_label(amount, unit));
    return labels;
}

Labels of_refusal(Method method, Reason reason)
{
    Labels labels = of_method(method);
    labels.emplace("reason", protocol::reason_info(reason).word);
    return labels;
}

} // namespace

struct Metrics::Families {
    Family<Counter>& counter(const char* name, const char* help)
    {
        return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
    }
    Family<Histogram>& histogram(const char* name, const char* help)
    {
        return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
    }

    prometheus::Registry registry;
    Family<Counter>& sales = counter("adit_sales_total", "Purchases that were paid and delivered.");
    Family<Counter>& received = counter("adit_received_sats_total", "Sats taken, by the prices of what was paid for.");
    Family<Counter>& refunds = counter("adit_refunds_total", "Purchases that were paid back.");
    Family<Counter>& refunded = counter("adit_refunded_sats_total", "Sats paid back, by the prices.");
    Family<Counter>& refusals = counter("adit_refusals_total", "Requests to buy that were refused, by the word said.");
    Family<Counter>& invoices = counter("adit_invoices_total", "Lightning invoices that were shown to buyers.");
    Family<Histogram>& purchases = histogram(
        "adit_purchase_duration_seconds", "From the request of a purchase with Cashu to the answer with its tunnel.");
    Family<Histogram>& swaps = histogram("adit_mint_swap_duration_seconds", "Requests to swap, answered or not.");
    Family<Histogram>& invoices_live =
        histogram("adit_invoice_live_duration_seconds", "From the making of an invoice to its tunnel.");
    Counter& invoice = invoices.Add({});
    Histogram& purchase = purchases.Add({}, kSwift);
    Histogram& invoice_live = invoices_live.Add({}, kPatient);
};

Metrics::Metrics(std::span<const std::string> mints, std::span<const protocol::Tier> tiers)
    : families_(std::make_unique<Families>())
{
    for (const Method method : {Method::cashu, Method::lightning}) {
        families_->refunds.Add(of_method(method));
        families_->refunded.Add(of_method(method));
        for (const protocol::Tier& tier : tiers)
            families_->sales.Add(of_tier(method, tier.price_tag.amount, tier.price_tag.unit));
        // `internal` is the last of them. Those that share a word share a counter.
        for (int reason = 0; reason <= static_cast<int>(Reason::internal); ++reason)
            families_->refusals.Add(of_refusal(method, static_cast<Reason>(reason)));
    }
    for (const std::string& mint : mints) {
        families_->received.Add(of_money(Method::cashu, mint));
        families_->swaps.Add({{"mint", mint}}, kSwift);
    }
    families_->received.Add(of_money(Method::lightning, std::nullopt));
}

Metrics::~Metrics() = default;

void Metrics::sold(const store::Purchase& purchase)
{
    families_->sales.Add(of_tier(purchase.method, purchase.tier_amount, purchase.tier_unit)).Increment();
}

void Metrics::received(Method method, const std::optional<std::string>& mint, Sat price)
{
    families_->received.Add(of_money(method, mint)).Increment(static_cast<double>(price.count()));
}

void Metrics::refunded(Method method, Sat price)
{
    families_->refunds.Add(of_method(method)).Increment();
    families_->refunded.Add(of_method(method)).Increment(static_cast<double>(price.count()));
}

void Metrics::refused(Method method, Reason reason) { families_->refusals.Add(of_refusal(method, reason)).Increment(); }

void Metrics::invoice_made() { families_->invoice.Increment(); }

void Metrics::purchase_took(Length length) { families_->purchase.Observe(length.count()); }

void Metrics::invoice_took(Length length) { families_->invoice_live.Observe(length.count()); }

void Metrics::swap_took(const std::string& mint, Length length)
{
    families_->swaps.Add({{"mint", mint}}, kSwift).Observe(length.count());
}

std::vector<prometheus::MetricFamily> Metrics::collect() const { return families_->registry.Collect(); }

} // namespace adit::app
