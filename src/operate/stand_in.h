// operate/stand_in.h - answers in aditd's place while that does not run, so that what stands in front of it can be
// looked at before the shop opens.
#pragma once

#include "operate/check_web.h"

#include "base/loop.h"
#include "http/server.h"

#include <thread>

namespace adit::operate {

/// On [server] host and port, with the daemon's own server and limits: GET /info as the daemon answers it, and 503 to
/// everything that would sell.
class StandIn {
public:
    /// Errors: io (the port is taken, or may not be listened on), bad_config.
    static Result<std::unique_ptr<StandIn>> open(const app::Config& config);
    ~StandIn();
    StandIn(const StandIn&) = delete;
    StandIn& operator=(const StandIn&) = delete;

    /// Any thread.
    Sightings sightings();

private:
    StandIn(std::unique_ptr<Loop> loop, std::unique_ptr<http::Server> server);
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<http::Server> server_;
    std::thread thread_;
};

} // namespace adit::operate
