// app/metrics.h - what has happened since the start, counted where it happens, for /metrics. Nothing here outlives the
// process. How things stand is in shop_reading.h. spec: Metrics
#pragma once

#include "base/money.h"
#include "base/reason.h"
#include "base/time.h"
#include "protocol/listing.h"
#include "session/state.h"
#include "store/store.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace prometheus {
struct MetricFamily; // of the client library; its headers stay in metrics*.cpp
}

namespace adit::app {

/// Thread-safe; each call takes a microsecond or so and waits for nobody. Every label has its values from the config
/// and from closed lists: strangers can not make it grow.
class Metrics {
public:
    using Length = std::chrono::duration<double>; // seconds

    /// What is sold, and at which mints: counted from zero on, so that the first of each is seen as one more.
    Metrics(std::span<const std::string> mints, std::span<const protocol::Tier> tiers);
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    /// The tunnel is up and paid for.
    void sold(const store::Purchase& purchase);
    /// The money is ours: `price` of it, as the tier says. `mint`: of ecash.
    void received(session::Method method, const std::optional<std::string>& mint, Sat price);
    /// The money went back.
    void refunded(session::Method method, Sat price);
    void refused(session::Method method, Reason reason);
    void invoice_made();

    /// From a purchase's request to the answer with a new tunnel.
    void purchase_took(Length length);
    /// From an invoice's making to its tunnel, the buyer's paying included.
    void invoice_took(Length length);
    /// One request to swap, whatever came back.
    void swap_took(const std::string& mint, Length length);

    /// Every family, those that nothing has happened in too.
    std::vector<prometheus::MetricFamily> collect() const;

private:
    struct Families;
    const std::unique_ptr<Families> families_;
};

} // namespace adit::app
