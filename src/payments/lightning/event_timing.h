// payments/lightning/event_timing.h - how patient a backend is with the connection that its events come by.
#pragma once

#include "base/time.h"

namespace adit::payments::lightning {

/// When a connection that ended is tried again, and when a silent one is given up. Tests hurry it.
struct EventTiming {
    Milliseconds backoff{500};
    Milliseconds backoff_cap{30'000};
    Milliseconds connect{10'000}; // until a websocket is open
    Seconds ping{15};             // of silence, then a ping goes out (LND has none: TCP asks)
    Seconds hang_up{25};          // of silence, pongs included
};

} // namespace adit::payments::lightning
