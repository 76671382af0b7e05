#include "payments/mints.h"

#include "payments/cashu/mint_url.h"

namespace adit::payments {

namespace {
constexpr std::int64_t kStrangeRefreshEvery_s = 10;
}

Mint::Mint(HttpClient& http, std::string url, Milliseconds timeout, const Clock& clock)
    : client_(http, std::move(url), timeout), clock_(clock)
{
}

Result<bool> Mint::refresh()
{
    auto changed = book_.refresh(client_);
    heard(changed.has_value() || changed.error().reason != Reason::mint_unreachable);
    return changed;
}

void Mint::refresh_for_stranger()
{
    const std::int64_t now =
        std::chrono::duration_cast<std::chrono::seconds>(clock_.steady().time_since_epoch()).count();
    std::int64_t last = last_strange_refresh_s_;
    if (now - last < kStrangeRefreshEvery_s || !last_strange_refresh_s_.compare_exchange_strong(last, now)) return;
    // What it learned, if anything, is on the page that the caller looks at next.
    [[maybe_unused]] const auto changed = refresh();
}

Mint::Unscanned Mint::unscanned() const
{
    const std::lock_guard lock(mutex_);
    return unscanned_;
}

void Mint::set_unscanned(Unscanned unscanned)
{
    const std::lock_guard lock(mutex_);
    unscanned_ = std::move(unscanned);
}

Result<const cashu::Keyset*> Mint::for_wallet_outputs(const cashu::MintPage& page) const
{
    const UnixSeconds now = clock_.now();
    const Unscanned waiting = unscanned();
    const cashu::Keyset* keyset = waiting.any ? nullptr : page.for_outputs(now, [&](const cashu::Keyset& each) {
        return !waiting.keysets.contains(each.id);
    });
    if (keyset) return keyset;
    if (!page.for_outputs(now)) return Error{Reason::mint_unreachable, "the mint has no active keyset in sat"};
    return Error{Reason::mint_unreachable, "the mint has not said yet what it signed for the wallet's seed before"};
}

Mints::Mints(HttpClient& http, const std::vector<std::string>& urls, Milliseconds timeout, const Clock& clock)
{
    for (const std::string& url : urls) mints_.push_back(std::make_unique<Mint>(http, url, timeout, clock));
}

Mint* Mints::find(std::string_view url) const
{
    for (const auto& mint : mints_)
        if (cashu::same_mint(mint->url(), url)) return mint.get();
    return nullptr;
}

} // namespace adit::payments
