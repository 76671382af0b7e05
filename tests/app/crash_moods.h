// tests/app/crash_moods.h - what a mint may do to somebody who moves money, and processes that end at every moment of
// it.
#pragma once

#include "app/shop_world.h"

#include <cstdio>

namespace adit::app {

using devnet::Fault;
using devnet::FaultAct;
using devnet::FaultMoment;

struct Mood {
    const char* name;
    std::vector<Fault> faults;
};

inline Fault at_mint(const char* endpoint, FaultAct act, FaultMoment moment, std::uint64_t times = 1)
{
    Fault fault;
    fault.endpoint = endpoint;
    fault.act = act;
    fault.moment = moment;
    fault.times = times;
    if (act == FaultAct::reject) fault.code = 10001;
    if (act == FaultAct::reject) fault.message = "no";
    return fault;
}

/// The same to every question about a purchase, until each was asked once: a new try begins with the swap.
inline std::vector<Fault> always(FaultAct act, FaultMoment moment)
{
    return {at_mint("mint.swap", act, moment, 3), at_mint("mint.restore", act, moment),
            at_mint("mint.checkstate", act, moment)};
}

/// At the one call that an ordinary purchase makes.
inline std::vector<Mood> moods()
{
    Fault lies_no = at_mint("mint.swap", FaultAct::reject, FaultMoment::after);
    lies_no.code = 11001;
    lies_no.message = "already spent";
    return {{"says yes", {}},
            {"says no", {at_mint("mint.swap", FaultAct::reject, FaultMoment::before)}},
            {"says no after acting", {lies_no}},
            {"is silent before acting", {at_mint("mint.swap", FaultAct::drop, FaultMoment::before)}},
            {"is silent after acting", {at_mint("mint.swap", FaultAct::drop, FaultMoment::after)}},
            {"answers 500 after acting", {at_mint("mint.swap", FaultAct::status, FaultMoment::after)}},
            {"answers with a page after acting", {at_mint("mint.swap", FaultAct::not_json, FaultMoment::after)}}};
}

/// And at what it is asked afterwards.
inline std::vector<Mood> stubborn_moods()
{
    return {{"says no to every question", always(FaultAct::reject, FaultMoment::before)},
            {"says no after acting to every question", always(FaultAct::reject, FaultMoment::after)},
            {"is silent before acting on any question", always(FaultAct::drop, FaultMoment::before)},
            {"is silent after acting on any question", always(FaultAct::drop, FaultMoment::after)},
            {"acts, and does not say what it signed",
             {at_mint("mint.swap", FaultAct::drop, FaultMoment::after),
              at_mint("mint.restore", FaultAct::drop, FaultMoment::before, 2)}},
            {"says no, and does not say what is spent",
             {at_mint("mint.swap", FaultAct::reject, FaultMoment::before),
              at_mint("mint.checkstate", FaultAct::drop, FaultMoment::before, 2)}}};
}

/// How often `dies_at` had its process end somewhere: at each moment in each mood, until it lives through.
inline int die_everywhere(const std::vector<Mood>& in, const std::function<bool(int n, const Mood& mood)>& dies_at)
{
    int points = 0;
    for (const Mood& mood : in) {
        for (int n = 1; !testing::Test::HasFailure(); ++n) {
            if (dies_at(n, mood)) break;
            ++points;
        }
    }
    return points;
}

} // namespace adit::app
