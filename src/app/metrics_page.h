// app/metrics_page.h - GET /metrics: counters and readings as Prometheus reads them. spec: Metrics
#pragma once

#include "app/metrics.h"
#include "app/shop_reading.h"
#include "http/router.h"

namespace adit::app {

/// In the text format 0.0.4, by the client library.
std::string metrics_page(const Metrics& metrics, const ShopReading& reading);

/// Answers from `worker`, one scrape at a time; the others wait, and are refused with 503 where too many do.
http::Router metrics_router(Workers& worker, std::function<std::string()> page);

} // namespace adit::app
