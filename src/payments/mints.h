// payments/mints.h - the mints whose tokens we take, and what we know of each.
#pragma once

#include "base/clock.h"
#include "payments/cashu/keyset_book.h"
#include "payments/cashu/mint_client.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace adit::payments {

/// One accepted mint. Thread-safe.
class Mint {
public:
    Mint(HttpClient& http, std::string url, Milliseconds timeout, const Clock& clock);

    const std::string& url() const { return client_.url(); }
    cashu::MintClient& client() { return client_; }
    cashu::KeysetBook& book() { return book_; }
    const cashu::KeysetBook& book() const { return book_; }

    /// Blocking. Asks for keysets and info now. True: something changed. Errors: mint_unreachable, mint_refused.
    Result<bool> refresh();
    /// For a token with a keyset that we do not know: at most once in 10 s, so that strangers cannot make us ask.
    void refresh_for_stranger();

    /// Whether the last request got any answer at all. A silent mint may hold only a part of the workers.
    bool silent() const { return silent_; }
    void heard(bool answered) { silent_ = !answered; }

    /// The keysets of which it is not known what this mint has signed for the wallet's seed: no output of the wallet
    /// may be of one of them, since it could be one that was signed before. app/seed_scan.h
    struct Unscanned {
        bool any = false; // which keysets it has is not known either: it may be any of them
        std::set<cashu::KeysetId> keysets;
        bool none() const { return !any && keysets.empty(); }
    };
    Unscanned unscanned() const;
    void set_unscanned(Unscanned unscanned);
    /// The keyset of this page to make outputs of the wallet of. Errors: mint_unreachable (none, or none that is
    /// scanned).
    Result<const cashu::Keyset*> for_wallet_outputs(const cashu::MintPage& page) const;

private:
    cashu::MintClient client_;
    cashu::KeysetBook book_;
    const Clock& clock_;
    std::atomic<bool> silent_{false};
    mutable std::mutex mutex_;
    Unscanned unscanned_;
    std::atomic<std::int64_t> last_strange_refresh_s_{-1'000'000};
};

class Mints {
public:
    /// `urls` must be normalised. `http` and `clock` must outlive it.
    Mints(HttpClient& http, const std::vector<std::string>& urls, Milliseconds timeout, const Clock& clock);

    /// By any spelling of its URL, or nullptr: then it is not one of ours and is never contacted.
    Mint* find(std::string_view url) const;
    const std::vector<std::unique_ptr<Mint>>& all() const { return mints_; }

private:
    std::vector<std::unique_ptr<Mint>> mints_;
};

} // namespace adit::payments
