#include "devnet/faults.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace adit::devnet {
namespace {

using nlohmann::json;

constexpr FaultAct kActs[]{FaultAct::delay,
                           FaultAct::drop,
                           FaultAct::cut,
                           FaultAct::hang,
                           FaultAct::status,
                           FaultAct::not_json,
                           FaultAct::reject,
                           FaultAct::pending,
                           FaultAct::lose_change,
                           FaultAct::lie_bad_signature,
                           FaultAct::lie_other_event,
                           FaultAct::require_auth};

constexpr std::int64_t kMaxLatencyMs = 3'600'000;

bool fits(std::string_view pattern, std::string_view endpoint)
{
    if (pattern.ends_with('*')) return endpoint.starts_with(pattern.substr(0, pattern.size() - 1));
    return pattern == endpoint;
}

bool used_up(const Fault& fault) { return fault.times && fault.hits >= *fault.times; }

/// Absent: `fallback`.
Result<std::uint64_t> count_of(const json& object, const char* key, std::uint64_t fallback, std::uint64_t most)
{
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return fallback;
    const bool negative = found->is_number_integer() && !found->is_number_unsigned() && found->get<std::int64_t>() < 0;
    if (!found->is_number_integer() || negative || found->get<std::uint64_t>() > most)
        return Error{Reason::bad_request, std::string(key) + ": expected 0 to " + std::to_string(most)};
    return found->get<std::uint64_t>();
}

Result<std::string> text_of(const json& object, const char* key)
{
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return std::string();
    if (!found->is_string()) return Error{Reason::bad_request, std::string(key) + ": expected a string"};
    return found->get<std::string>();
}

} // namespace

std::string_view word(FaultAct act)
{
    switch (act) {
    case FaultAct::delay:
        return "delay";
    case FaultAct::drop:
        return "drop";
    case FaultAct::cut:
        return "cut";
    case FaultAct::hang:
        return "hang";
    case FaultAct::status:
        return "status";
    case FaultAct::not_json:
        return "not_json";
    case FaultAct::reject:
        return "reject";
    case FaultAct::pending:
        return "pending";
    case FaultAct::lose_change:
        return "lose_change";
    case FaultAct::lie_bad_signature:
        return "lie_bad_signature";
    case FaultAct::lie_other_event:
        return "lie_other_event";
    case FaultAct::require_auth:
        return "require_auth";
    }
    return {};
}

std::uint64_t Faults::add(Fault fault)
{
    const std::lock_guard lock(mutex_);
    entries_.push_back({next_, std::move(fault)});
    return next_++;
}

void Faults::remove(std::uint64_t number)
{
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](const Entry& entry) { return entry.number == number; });
}

void Faults::clear()
{
    const std::lock_guard lock(mutex_);
    entries_.clear();
}

std::optional<Fault> Faults::take(std::string_view endpoint)
{
    const std::lock_guard lock(mutex_);
    for (Entry& entry : entries_) {
        Fault& fault = entry.fault;
        if (used_up(fault) || !fits(fault.endpoint, endpoint)) continue;
        if (fault.skip > 0) {
            --fault.skip;
            continue;
        }
        ++fault.hits;
        return fault;
    }
    return std::nullopt;
}

json Faults::list() const
{
    const std::lock_guard lock(mutex_);
    json all = json::array();
    for (const auto& [number, fault] : entries_)
        all.push_back({{"number", number},
                       {"endpoint", fault.endpoint},
                       {"act", word(fault.act)},
                       {"moment", fault.moment == FaultMoment::before ? "before" : "after"},
                       {"latency_ms", fault.latency.count()},
                       {"status", fault.status},
                       {"code", fault.code},
                       {"message", fault.message},
                       {"skip", fault.skip},
                       {"times", fault.times ? json(*fault.times) : json()},
                       {"hits", fault.hits}});
    return all;
}

Result<Fault> parse_fault(const json& object)
{
    if (!object.is_object()) return Error{Reason::bad_request, "expected an object"};
    for (const auto& [key, value] : object.items()) {
        constexpr std::string_view kKeys[]{"endpoint", "act",  "moment",  "latency_ms", "status",
                                           "body",     "code", "message", "skip",       "times"};
        if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys))
            return Error{Reason::bad_request, "unknown key " + key.substr(0, 40)};
    }
    Fault fault;
    fault.endpoint = TRY(text_of(object, "endpoint"));
    if (fault.endpoint.empty()) return Error{Reason::bad_request, "endpoint: expected a name"};

    const std::string act = TRY(text_of(object, "act"));
    const auto known = std::find_if(std::begin(kActs), std::end(kActs), [&](FaultAct a) { return word(a) == act; });
    if (known == std::end(kActs)) return Error{Reason::bad_request, "act: not one of README.md's"};
    fault.act = *known;

    const std::string moment = TRY(text_of(object, "moment"));
    if (!moment.empty() && moment != "before" && moment != "after")
        return Error{Reason::bad_request, "moment: expected before or after"};
    fault.moment = moment == "after" ? FaultMoment::after : FaultMoment::before;

    fault.latency = Milliseconds(static_cast<std::int64_t>(TRY(count_of(object, "latency_ms", 0, kMaxLatencyMs))));
    fault.status = static_cast<int>(TRY(count_of(object, "status", 500, 599)));
    if (fault.status < 100) return Error{Reason::bad_request, "status: expected 100 to 599"};
    fault.body = TRY(text_of(object, "body"));
    fault.code = static_cast<int>(TRY(count_of(object, "code", 0, 99'999)));
    fault.message = TRY(text_of(object, "message"));
    fault.skip = TRY(count_of(object, "skip", 0, 1'000'000'000));
    if (object.contains("times") && !object["times"].is_null())
        fault.times = TRY(count_of(object, "times", 1, 1'000'000'000));
    return fault;
}

} // namespace adit::devnet
