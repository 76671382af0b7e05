// tests/operate/look_testing.h - one finding out of many.
#pragma once

#include "operate/finding.h"

#include "base/clock.h"
#include "base/rng.h"

#include <gtest/gtest.h>

namespace adit::operate {

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
