// store/closing.h - what the operator did to sessions by hand, and grants that ended before their time: the rows.
#pragma once

#include "base/money.h"
#include "base/time.h"
#include "payments/journal.h"
#include "protocol/keys.h"
#include "session/grant.h"
#include "session/state.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adit::store {

using payments::PurchaseId;

enum class ActKind { granted, extended, revoked, refunded, settled_by_hand };
std::string_view act_word(ActKind kind);

/// A line of the books: what the operator did.
struct Act {
    ActKind kind{};
    UnixSeconds at = {};
    std::optional<std::int64_t> session = {}; // row
    std::optional<PurchaseId> purchase = {};
    std::optional<Sat> amount = {}; // that goes to the buyer
    std::string note = {};          // the operator's own words, at most kMaxNote bytes
};
inline constexpr std::size_t kMaxNote = 200;

/// A row of the refunds: money for what was unused of some grants, owed to one key.
enum class RefundId : std::int64_t {};
constexpr std::int64_t number_of(RefundId id) { return static_cast<std::int64_t>(id); }
enum class ClosedBy { buyer, operator_ };

struct Refund {
    RefundId id{};
    std::int64_t session = 0; // row
    protocol::PublicKey lock;
    std::optional<std::string> mint = {}; // that the purchases were paid at; none: by Lightning
    Sat amount = {};                      // 0: what was unused is worth nothing, so there is no token
    ClosedBy by{};
    UnixSeconds created_at = {};
    std::optional<UnixSeconds> settled_at = {}; // none: owed
    std::optional<std::string> token = {};
};

/// A purchase as a part of its session.
struct SessionGrant {
    PurchaseId purchase{};
    session::State state{};
    session::Method method{};
    std::optional<protocol::PublicKey> auth_key = {};
    std::optional<protocol::PublicKey> refund_key = {};
    std::string tier_amount = {};
    std::string tier_unit = {};
    std::uint64_t quantity = 0;
    session::GrantSize grant = {};
    Sat price = {};
    std::optional<std::string> mint = {};
    std::optional<UnixSeconds> activated_at = {};
    std::optional<UnixSeconds> expires_at = {}; // as promised when it was activated
    std::optional<RefundId> refund = {};        // ended early: the refund that it went into
    std::uint64_t unused = 0;                   // then: seconds or bytes that were left
};

/// Grants of one live session that end now.
struct Closing {
    std::int64_t session = 0;
    std::int64_t revision = 0;               // as SessionAt
    std::vector<session::Segment> left = {}; // none: the session is over, and its peer has gone before
    std::uint64_t last_received_bytes = 0;
    std::uint64_t last_sent_bytes = 0;
    struct Owed {
        protocol::PublicKey lock;
        std::optional<std::string> mint = {};
        Sat amount = {};
    };
    std::vector<Owed> refunds = {};
    struct Grant {
        PurchaseId purchase{};
        std::uint64_t unused = 0;
        Sat worth = {};
        std::size_t refund = 0; // of `refunds`
    };
    std::vector<Grant> grants = {}; // each active until now
    ClosedBy by{};
    std::string note = {}; // of the operator's
};

/// A session in a list.
struct SessionRow {
    std::int64_t session = 0;
    bool live = false;
    std::vector<session::Segment> segments = {};
    UnixSeconds created_at = {};
    std::optional<UnixSeconds> ended_at = {};
    std::string address = {}; // "": given back already
    std::uint64_t purchases = 0;
};

} // namespace adit::store
