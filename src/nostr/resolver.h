// nostr/resolver.h - host names to addresses, away from the loop: getaddrinfo may block for as long as a DNS server
// pleases, and libwebsockets 4.1 would call it on the loop.
#pragma once

#include "base/loop.h"
#include "base/result.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace adit::nostr {

/// Blocking. Numeric addresses, best first. Errors: relay_unavailable.
using ResolveHost = std::function<Result<std::vector<std::string>>(const std::string& host)>;

Result<std::vector<std::string>> system_resolve(const std::string& host);

/// Each lookup has a thread of its own, so that one that hangs delays no other; the caller keeps them few. After the
/// resolver's end the answers of threads still running go nowhere.
class Resolver {
public:
    using Addresses = Result<std::vector<std::string>>;

    Resolver(Loop& loop, ResolveHost resolve);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// `done` runs on the loop thread, after this returned.
    void resolve(const std::string& host, std::function<void(Addresses)> done);

private:
    struct Gate; // shared with the threads, which may outlive the resolver and the loop
    std::shared_ptr<Gate> gate_;
    ResolveHost resolve_;
};

} // namespace adit::nostr
