// operate/check_mints.h - what mint_look.h leaves out: a mint's limits, and its clock.
#pragma once

#include "operate/check_clock.h"

#include "base/money.h"

namespace adit::operate {

/// One way through a mint, in sat over Lightning. NUT-04, NUT-05
struct MintDoor {
    bool open = false; // not disabled, and sat over bolt11 is among its methods
    std::optional<Sat> most;
};

struct MintDoors {
    MintDoor in;  // coins for Lightning
    MintDoor out; // Lightning for coins
};

/// Of /v1/info. Errors: bad_encoding.
Result<MintDoors> parse_mint_doors(std::string_view info_json);

/// Pure. `dearest`: what one unit of the dearest tier costs.
Findings judge_mint_doors(const std::string& url, const MintDoors& doors, Sat dearest);

/// Everything about a mint of ours. Each request 5 s.
Findings look_at_our_mint(const std::string& url, Sat dearest, const std::string& ca_file, const Clock& clock,
                          ClockSamples& samples);

} // namespace adit::operate
