// app/app.h - the daemon, put together. Start: store, wallet, recovery, device, workers, server; stop: the reverse.
#pragma once

#include "app/config.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/rng.h"

#include <cstdint>
#include <memory>

namespace adit::app {

class App {
public:
    /// Nothing is started yet.
    explicit App(Config config, Clock& clock = system_clock(), Rng& rng = system_rng());
    ~App();
    App(const App&) = delete;
    App& operator=(const App&) = delete;

    /// Blocks until the shop serves: at once where the store has a wallet, else until the relays have said whether
    /// there is one (60 s at most). Errors: bad_config, io, store_unavailable, relay_unavailable, with what the
    /// operator can do.
    Result<void> start();
    /// Of the HTTP server, once started.
    std::uint16_t port() const;
    /// Any thread. A start under way gives up.
    void ask_to_stop();
    /// Blocks until ask_to_stop(), then finishes what is in flight and stops everything.
    void run_until_asked();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

} // namespace adit::app
