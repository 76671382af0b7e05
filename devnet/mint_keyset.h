// devnet/mint_keyset.h - a keyset with its private keys, which only a mint has. NUT-01, NUT-02.
#pragma once

#include "base/rng.h"
#include "payments/cashu/keyset.h"

namespace adit::devnet {

enum class KeysetVersion { v0, v1 };

/// What the mint's operator decides about a keyset.
struct KeysetPlan {
    std::string unit = "sat";
    KeysetVersion version = KeysetVersion::v1;
    std::uint64_t input_fee_ppk = 0;
    bool active = true;
    std::optional<UnixSeconds> final_expiry = {};
};

struct MintKeyset {
    payments::cashu::Keyset facts;
    std::map<Sat, payments::cashu::Scalar> secrets; // one for each key of facts

    const payments::cashu::Scalar* secret_for(Sat amount) const;
};

/// One key for each power of two, 2^0 to 2^63.
MintKeyset generate_keyset(const KeysetPlan& plan, Rng& rng);

} // namespace adit::devnet
