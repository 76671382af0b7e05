// devnet/look_alike_server.h - the port of a look-alike: requests counted, faults done, down and up at will.
#pragma once

#include "devnet/look_alike.h"
#include "devnet/request_counts.h"
#include "devnet/rough_server.h"

namespace adit::devnet {

/// Everything on the loop thread, or before run(), but requests().
class LookAlikeServer {
public:
    /// `tls` (null: plain), `look_alike` and `faults` must outlive the server. Errors: bad_config (host), io (cannot
    /// bind).
    static Result<std::unique_ptr<LookAlikeServer>> open(Loop& loop, LookAlike& look_alike, Faults& faults,
                                                         const std::string& host, std::uint16_t port, ssl_ctx_st* tls);
    LookAlikeServer(const LookAlikeServer&) = delete;
    LookAlikeServer& operator=(const LookAlikeServer&) = delete;

    std::uint16_t port() const { return server_->port(); }
    /// How many requests came in, by endpoint name. Any thread.
    std::map<std::string, std::uint64_t> requests() const { return counts_.all(); }
    /// The port refuses connections and every connection is closed; what the look-alike knows stays.
    void go_down() { server_->go_down(); }
    Result<void> come_up() { return server_->come_up(); }

private:
    class Exchange;

    LookAlikeServer(LookAlike& look_alike, Faults& faults);
    void begin(RoughServer::Number number, http::Request request);

    LookAlike& look_alike_;
    Faults& faults_;
    const std::string event_endpoint_; // of single messages on streams and websockets
    std::unique_ptr<RoughServer> server_;
    RequestCounts counts_;
};

} // namespace adit::devnet
