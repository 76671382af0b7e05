// devnet/faults.h - what the world is told to do wrong, and how often.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adit::devnet {

/// README.md of this folder says which act means what at which endpoint.
enum class FaultAct {
    delay,             // nothing but latency
    drop,              // close the connection without an answer
    cut,               // close it in the middle of the answer
    hang,              // keep it open, never answer
    status,            // answer with `status` and `body`
    not_json,          // answer 200 with a page of HTML
    reject,            // mint: a well-formed NUT error of `code`; relay: OK false or CLOSED with `message`
    pending,           // checkstate: UNSPENT is told as PENDING; melt: the payment stays in flight
    lose_change,       // melt, and the state of its quote: paid, without a word of the change
    lie_bad_signature, // mint: wrong promises; relay: an event whose signature does not verify
    lie_other_event,   // relay: an event that no filter asked for; OK for an id that was not sent
    require_auth,      // relay: auth-required, as though the relay had been set to
};

/// Before: the request is not acted on. After: it is, and only then the answer is spoilt.
enum class FaultMoment { before, after };

struct Fault {
    std::string endpoint; // exact name, or a prefix ending in '*'
    FaultAct act = FaultAct::delay;
    FaultMoment moment = FaultMoment::before;
    Milliseconds latency{0}; // passes before the act, whatever it is
    int status = 500;        // 100..599
    std::string body;
    int code = 0; // NUT error code
    std::string message;
    std::uint64_t skip = 0;             // so many requests pass unharmed first
    std::optional<std::uint64_t> times; // none: until cleared
    std::uint64_t hits = 0;             // how often it struck
};

/// Thread-safe. The oldest fault that fits a request takes it.
class Faults {
public:
    /// The number names the fault in list() and remove().
    std::uint64_t add(Fault fault);
    void remove(std::uint64_t number);
    void clear();
    /// The fault that strikes this request, counted.
    std::optional<Fault> take(std::string_view endpoint);
    nlohmann::json list() const;

private:
    struct Entry {
        std::uint64_t number;
        Fault fault;
    };
    mutable std::mutex mutex_;
    std::vector<Entry> entries_;
    std::uint64_t next_ = 1;
};

/// The body of POST /faults. Errors: bad_request, with what is wrong in it.
Result<Fault> parse_fault(const nlohmann::json& object);
std::string_view word(FaultAct act);

} // namespace adit::devnet
