// A proof's secret: what the receiver's policy accepts, a mint must be able to enforce.
#include "payments/cashu/curve.h"
#include "payments/cashu/p2pk.h"

using namespace adit;
using namespace adit::payments::cashu;

namespace {

class NoDice : public Rng {
public:
    void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), std::uint8_t{7}); }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const protocol::SecretKey key = protocol::SecretKey::parse_hex(std::string(63, '0') + "1").value();
    static const Point c = hash_to_curve({});
    static NoDice dice;
    constexpr UnixSeconds kNow{1'800'000'000};

    const std::string secret(as_text(ByteView(data, size)));
    const bool ours = spendable_alone(secret, key.public_key(), kNow).has_value();
    Proof proof{"00456a94ab4e1c46", Sat(1), secret, c, std::nullopt, std::nullopt};
    const std::span<Proof> inputs(&proof, 1);
    const bool signed_by_us = sign_inputs(inputs, {}, key, dice).has_value();
    const bool spendable = verify_spending_conditions(inputs, {}, kNow).has_value();
    if (ours) CHECK(signed_by_us && spendable);
    return 0;
}
