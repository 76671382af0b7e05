// tests/operate/look_testing.h - what tests of looks share.
#pragma once

#include "operate/finding.h"

#include "base/clock.h"
#include "base/rng.h"

#include <gtest/gtest.h>

namespace adit::operate {

inline constexpr UnixSeconds kLookedAt{1'800'000'000};
/// A point on the curve, compressed.
inline const std::string kListedKey = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

/// The worst of that name, the first among equals; fails the test where there is none.
inline Finding worst_of(const std::vector<Finding>& findings, std::string_view check)
{
    const Finding* worst = nullptr;
    for (const Finding& finding : findings)
        if (finding.check == check && (!worst || finding.level > worst->level)) worst = &finding;
    if (worst) return *worst;
    ADD_FAILURE() << "no " << check;
    return {std::string(check), Level::warn, "", ""};
}

} // namespace adit::operate
