// app/routes.h - the HTTP API: which path is answered by what. spec: HTTP API
#pragma once

#include "app/closings.h"
#include "app/lightning_sale.h"
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
        Purchases* purchases;     // nullptr: nothing is sold for ecash
        LightningSale* lightning; // nullptr: nothing is sold by Lightning
        Closings* closings;       // nullptr: no ecash, so nobody has signed for a session, and nothing could be paid
        Tunnels& tunnels;
        Workers& workers;
        const Clock& clock;
        std::function<bool()> any_relay_connected;
        std::function<bool()> any_mint_answers;
        std::function<bool()> lightning_answers;
        Metrics& metrics;
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
    using Refuse = std::function<http::Response(Reason)>;
    /// Answers from a worker; a source that asks too often is refused at once.
    http::Router::Handler blocking(Work work, const Refuse& refuse);
    /// The same for what wallets ask; refused while nothing is sold by Lightning.
    enum class Asks { to_buy, otherwise };
    http::Router::Handler lnurl(http::Response (*work)(LightningSale&, const http::Request&),
                                Asks asks = Asks::otherwise);
    http::Response refused_purchase(Reason reason) const;
    http::Response config_viewer();
    bool may_ask(const http::Request& request) { return requests_.take(request.source, parts_.clock.steady()); }

    const Parts parts_;
    const std::string info_;
    http::SourceLimiter requests_;
    std::optional<http::Response> config_viewer_; // of the loop thread
};

} // namespace adit::app
