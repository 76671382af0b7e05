// app/timed_mint_calls.h - the way to the mints, with a watch on swaps.
#pragma once

#include "app/metrics.h"
#include "base/clock.h"
#include "payments/http_client.h"

namespace adit::app {

/// Passes every call on as it is.
class TimedMintCalls final : public payments::HttpClient {
public:
    /// All must outlive it.
    TimedMintCalls(payments::HttpClient& calls, Metrics& metrics, const Clock& clock)
        : calls_(calls), metrics_(metrics), clock_(clock)
    {
    }

    Result<payments::HttpReply> call(const payments::HttpCall& call) override
    {
        constexpr std::string_view swap = "/v1/swap"; // NUT-03
        if (!call.url.ends_with(swap)) return calls_.call(call);
        const SteadyTime began = clock_.steady();
        auto reply = calls_.call(call);
        // Only mints of the config are ever called, so these labels are bounded.
        metrics_.swap_took(call.url.substr(0, call.url.size() - swap.size()), clock_.steady() - began);
        return reply;
    }

private:
    payments::HttpClient& calls_;
    Metrics& metrics_;
    const Clock& clock_;
};

} // namespace adit::app
