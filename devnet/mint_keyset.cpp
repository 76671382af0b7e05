#include "devnet/mint_keyset.h"

#include "payments/cashu/curve.h"

namespace adit::devnet {

namespace cashu = payments::cashu;

const cashu::Scalar* MintKeyset::secret_for(Sat amount) const
{
    const auto found = secrets.find(amount);
    return found == secrets.end() ? nullptr : &found->second;
}

MintKeyset generate_keyset(const KeysetPlan& plan, Rng& rng)
{
    MintKeyset keyset;
    keyset.facts.unit = plan.unit;
    keyset.facts.active = plan.active;
    keyset.facts.input_fee_ppk = plan.input_fee_ppk;
    keyset.facts.final_expiry = plan.final_expiry;
    for (unsigned exponent = 0; exponent < 64; ++exponent) {
        const Sat amount(std::uint64_t{1} << exponent);
        cashu::Scalar secret = cashu::random_scalar(rng);
        keyset.facts.keys.emplace(amount, cashu::public_point(secret).value());
        keyset.secrets.emplace(amount, std::move(secret));
    }
    switch (plan.version) {
    case KeysetVersion::v0:
        keyset.facts.id = cashu::derive_id_v0(keyset.facts.keys);
        break;
    case KeysetVersion::v1:
        keyset.facts.id = cashu::derive_id_v1(keyset.facts);
        break;
    }
    return keyset;
}

} // namespace adit::devnet
