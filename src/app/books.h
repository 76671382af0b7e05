// app/books.h - proves from the rows where every sat is that ever came in. spec: Books
#pragma once

#include "payments/mints.h"
#include "store/store.h"

namespace adit::app {

/// received == wallet + pending + owed + paid_out + fees + change + refunds + spent_elsewhere. Sats, of one mint.
struct MintBooks {
    std::string mint;
    std::uint64_t sales = 0;   // tokens that purchases were paid with
    std::uint64_t nutzaps = 0; // taken into the wallet
    std::uint64_t found = 0;   // proofs of other clients of the same wallet, or restored from its words
    std::uint64_t wallet = 0;  // unspent, and free to be moved
    std::uint64_t owed = 0;    // unspent, of purchases that are not delivered yet
    std::uint64_t pending = 0; // in a movement whose outcome is not known
    std::uint64_t paid_out = 0;
    std::uint64_t fees = 0; // of the mint, and for routing
    std::uint64_t change = 0;
    std::uint64_t refunds = 0;
    std::uint64_t spent_elsewhere = 0;

    std::uint64_t received() const { return sales + nutzaps + found; }
    std::uint64_t accounted() const
    {
        return wallet + owed + pending + paid_out + fees + change + refunds + spent_elsewhere;
    }
    bool balanced() const { return received() == accounted(); }
};

struct Audit {
    std::vector<MintBooks> mints;    // by URL
    std::vector<std::string> faults; // which rows are wrong, in words
    bool balanced() const;
};

/// For the store's WorthOf.
std::optional<Sat> worth_of_token(std::string_view token);

/// Pure: each row by itself, then the sums.
Audit audit(const store::BookRows& rows);

/// What the mints say of the same proofs.
struct OnlineAudit {
    std::uint64_t asked = 0;
    std::vector<std::string> unreachable; // mints
    std::vector<std::string> faults;
};
/// Blocking, NUT-07: what the wallet calls unspent must be unspent at its mint, what it has spent must be spent.
/// Errors: store_unavailable.
Result<OnlineAudit> audit_online(store::Store& store, const payments::Mints& mints);

} // namespace adit::app
