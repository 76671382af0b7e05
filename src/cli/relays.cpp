#include "cli/relays.h"

#include "cli/printable.h"

#include <algorithm>

namespace adit::cli {

std::vector<std::string> default_relays()
{
    return {"wss://relay.damus.io", "wss://nos.lol", "wss://relay.primal.net"};
}

Result<std::unique_ptr<Relays>> Relays::open(const std::vector<std::string>& urls, const Clock& clock, Rng& rng,
                                             std::optional<protocol::SecretKey> auth_key)
{
    nostr::PoolOptions options;
    options.urls = TRY(nostr::parse_relay_urls(urls));
    options.auth_key = std::move(auth_key);
    auto loop = Loop::create(nullptr);
    if (!loop) return Error{Reason::io, "cannot make an event loop: out of memory or of file descriptors"};
    std::unique_ptr<Relays> relays(new Relays(std::move(loop)));
    relays->pool_ = std::make_unique<nostr::RelayPool>(*relays->loop_, clock, rng, std::move(options));
    relays->thread_ = std::thread([loop = relays->loop_.get()] { loop->run(); });
    return relays;
}

Relays::~Relays()
{
    if (pool_) pool_->stop();
    loop_->stop();
    if (thread_.joinable()) thread_.join();
    pool_.reset();
}

nostr::FetchResult Relays::fetch(std::vector<protocol::Filter> filters, Milliseconds patience)
{
    return pool_->fetch(std::move(filters), patience, nostr::Patience::while_it_lasts);
}

std::string_view coverage_word(nostr::Coverage coverage)
{
    switch (coverage) {
    case nostr::Coverage::complete:
        return "complete";
    case nostr::Coverage::partial:
        return "partial";
    case nostr::Coverage::silent:
        return "silent";
    case nostr::Coverage::refused:
        return "refused";
    }
    return "silent";
}

bool any_answered(const nostr::FetchResult& result)
{
    return std::ranges::any_of(result.relays, [](const nostr::RelayCoverage& relay) {
        return relay.coverage == nostr::Coverage::complete || relay.coverage == nostr::Coverage::partial;
    });
}

std::string coverage_words(const nostr::FetchResult& result)
{
    std::size_t complete = 0;
    std::string others;
    for (const nostr::RelayCoverage& relay : result.relays) {
        if (relay.coverage == nostr::Coverage::complete) {
            ++complete;
            continue;
        }
        others += (others.empty() ? "; " : ", ") + relay.relay + ": " + std::string(coverage_word(relay.coverage));
        if (!relay.message.empty()) others += " (" + printable(relay.message, 120) + ")";
    }
    return std::to_string(complete) + " of " + std::to_string(result.relays.size()) + " relays answered" + others;
}

} // namespace adit::cli
