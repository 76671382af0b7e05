// payments/cashu/nut13.h - outputs that can be made again from the seed. NUT-13.
#pragma once

#include "payments/cashu/bip39.h"
#include "payments/cashu/proof.h"

namespace adit::payments::cashu {

struct DerivedOutput {
    std::string secret; // 64 hex digits; hashed as this text
    Scalar r;
};

/// The output of a keyset and counter; each pair is used once, and the counter is stored before use. Keysets "00"
/// derive by BIP-32 (counter below 2^31), "01" by HMAC. Errors: bad_encoding (id not complete, counter out of range, or
/// the one counter in 2^127 that gives no scalar: take the next).
Result<DerivedOutput> derive_output(const Seed& seed, std::string_view keyset_id, std::uint64_t counter);

} // namespace adit::payments::cashu
