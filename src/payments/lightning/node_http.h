// payments/lightning/node_http.h - calls to one Lightning node: its address, the header that opens it, and what its
// silence is called. What backends share.
#pragma once

#include "base/secret_text.h"
#include "payments/http_client.h"
#include "payments/lightning/node_url.h"

#include <string>
#include <string_view>

namespace adit::payments::lightning {

/// What a node said, made fit for a log: printable, at most 200 characters, and without words that look like a key
/// (nodes repeat what they do not understand, and that may have been a preimage).
std::string fit_for_log(std::string_view text);

struct NodeAccess {
    std::string name; // "phoenixd", "lnd": how errors begin
    NodeUrl url;
    SecretText header;        // a whole line
    std::string ca_file = {}; // PEM, the only certificates trusted; empty: the system's
    Milliseconds timeout{10'000};
};

/// Any thread may call at any time.
class NodeHttp {
public:
    explicit NodeHttp(NodeAccess access);

    /// A budget that several calls of one act share.
    SteadyTime deadline() const;
    /// An answer of any status. Errors: lightning_unreachable.
    Result<HttpReply> get(const std::string& path, SteadyTime deadline);
    Result<HttpReply> post(const std::string& path, std::string content_type, std::string body, SteadyTime deadline);

    Error unreachable(std::string_view what) const;
    Error refused(std::string_view what) const;
    const NodeAccess& access() const { return access_; }

private:
    Result<HttpReply> call(HttpCall call, SteadyTime deadline);

    const NodeAccess access_;
    CurlHttpClient http_;
};

} // namespace adit::payments::lightning
