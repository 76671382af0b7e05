// devnet/mint_server.h - the mint's port: requests counted, faults waited out.
#pragma once

#include "devnet/faulty_mint.h"
#include "devnet/request_counts.h"
#include "devnet/rough_server.h"

namespace adit::devnet {

/// Everything on the loop thread, or before run(), but requests().
class MintServer {
public:
    /// `host` is a numeric address. Errors: bad_config (it is not), io (cannot bind).
    static Result<std::unique_ptr<MintServer>> open(Loop& loop, FaultyMint& mint, const std::string& host,
                                                    std::uint16_t port);
    MintServer(const MintServer&) = delete;
    MintServer& operator=(const MintServer&) = delete;

    std::uint16_t port() const { return server_->port(); }
    /// How many requests came in, by endpoint name. Any thread.
    std::map<std::string, std::uint64_t> requests() const { return counts_.all(); }

private:
    explicit MintServer(FaultyMint& mint) : mint_(mint) {}
    void begin(RoughServer::Number number, http::Request request);
    void deliver(RoughServer::Number number, Outcome outcome);

    FaultyMint& mint_;
    std::unique_ptr<RoughServer> server_;
    RequestCounts counts_;
};

} // namespace adit::devnet
