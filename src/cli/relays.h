// cli/relays.h - asking relays from a program that has no loop of its own.
#pragma once

#include "base/loop.h"
#include "nostr/relay_pool.h"

#include <thread>

namespace adit::cli {

/// Where to look when the user names no relay.
std::vector<std::string> default_relays();

/// A loop, a thread and a pool, from open() to its death.
class Relays {
public:
    /// Errors: bad_encoding (a URL: says what is wrong), io.
    static Result<std::unique_ptr<Relays>> open(const std::vector<std::string>& urls, const Clock& clock, Rng& rng,
                                                std::optional<protocol::SecretKey> auth_key = {});
    ~Relays();
    Relays(const Relays&) = delete;
    Relays& operator=(const Relays&) = delete;

    /// Blocking. A relay that can not be connected to is passed over at once, one that hangs after `patience`.
    nostr::FetchResult fetch(std::vector<protocol::Filter> filters, Milliseconds patience = Milliseconds(8'000));

private:
    explicit Relays(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<nostr::RelayPool> pool_;
    std::thread thread_;
};

/// "2 of 3 relays answered"; what the others did.
std::string coverage_words(const nostr::FetchResult& result);
bool any_answered(const nostr::FetchResult& result);
std::string_view coverage_word(nostr::Coverage coverage);

} // namespace adit::cli
