// app/routes.h - the HTTP API: which path is answered by what. spec: HTTP API
#pragma once

#include "app/purchase.h"
#include "base/loop.h"
#include "base/workers.h"
#include "http/limits.h"
#include "http/router.h"

#include <functional>

namespace adit::app {

class Routes {
public:
    struct Parts {
        const Shop& shop;
        store::Store& store;
        Purchases* purchases; // nullptr: nothing is sold for ecash
        Tunnels& tunnels;
        Workers& workers;
        const Clock& clock;
        std::function<bool()> any_relay_connected;
        std::function<bool()> any_mint_answers;
    };
    /// What is referred to must outlive it and the router.
    explicit Routes(Parts parts);

    http::Router router();
    /// What /health says. Blocking.
    protocol::Health health() const;

private:
    using Work = std::function<http::Response(const http::Request&)>;
    void purchase(http::Request request, const http::Responder& responder);
    void work_on(const std::shared_ptr<const http::Request>& request, const http::Responder& responder);
    /// Answers from a worker; a source that asks too often gets 429 at once.
    http::Router::Handler blocking(Work work);
    bool may_ask(const http::Request& request, const http::Responder& responder);

    const Parts parts_;
    const std::string info_;
    http::SourceLimiter requests_;
};

} // namespace adit::app
