// The mint's side of p2pk.h. NUT-11, NUT-14.
#include "base/hash.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/json_fields.h"
#include "payments/cashu/p2pk.h"
#include "payments/cashu/p2pk_internal.h"
#include "protocol/json.h"

namespace adit::payments::cashu {
namespace {

constexpr std::size_t kMaxWitnessBytes = 16 * 1024;
constexpr std::size_t kMaxSignatures = 100;

Error refused(const char* what) { return Error{Reason::wrong_p2pk, what}; }

struct Witness {
    std::vector<protocol::Signature> signatures;
    std::optional<Bytes> preimage;
};

Result<Witness> read_witness(const std::optional<std::string>& text)
{
    Witness witness;
    if (!text) return witness;
    if (text->size() > kMaxWitnessBytes) return refused("the witness is too long");
    const auto root = protocol::parse_json(*text, 3);
    if (!root || !root->is_object()) return refused("the witness is no JSON object");
    if (const Json* signatures = member(*root, "signatures")) {
        if (!signatures->is_array() || signatures->size() > kMaxSignatures) return refused("the witness's signatures");
        for (const Json& element : *signatures) {
            const auto signature = as_hex<64>(&element);
            if (!signature) return refused("a signature is not 64 bytes of hex");
            witness.signatures.push_back(*signature);
        }
    }
    if (const Json* preimage = member(*root, "preimage")) {
        const auto bytes = as_hex<32>(preimage);
        if (!bytes) return refused("the preimage is not 32 bytes of hex");
        witness.preimage = Bytes(bytes->begin(), bytes->end());
    }
    return witness;
}

/// How many of the keys have signed: keys are counted, not signatures.
std::uint64_t signers(std::span<const Point> keys, const Sha256& message, std::span<const protocol::Signature> given)
{
    std::uint64_t count = 0;
    for (const Point& key : keys) {
        const protocol::PublicKey x = x_only(key);
        for (const protocol::Signature& signature : given) {
            if (!protocol::verify(x, message, signature)) continue;
            ++count;
            break;
        }
    }
    return count;
}

bool main_pathway(const WellKnownSecret& secret, const P2pkLock& lock, const Sha256& message, const Witness& witness)
{
    if (secret.kind == "HTLC") {
        if (!witness.preimage || encode_hex(sha256(*witness.preimage)) != secret.data) return false;
        if (lock.keys.empty()) return true;
    }
    return signers(lock.keys, message, witness.signatures) >= lock.n_sigs;
}

Result<void> verify_one(const WellKnownSecret& secret, const std::string& text, const std::optional<std::string>& given,
                        UnixSeconds now)
{
    P2pkLock lock;
    if (secret.kind == "P2PK")
        lock = TRY(parse_p2pk_lock(secret));
    else if (secret.kind == "HTLC")
        lock = TRY(parse_lock_tags(secret, {}));
    else
        return refused("a lock of unknown kind");

    const bool expired = lock.locktime && now > *lock.locktime;
    if (expired && lock.refund_keys.empty()) return {}; // then anyone may
    const Witness witness = TRY(read_witness(given));
    const Sha256 message = sha256(as_bytes(text));
    if (main_pathway(secret, lock, message, witness)) return {};
    if (expired && signers(lock.refund_keys, message, witness.signatures) >= lock.n_sigs_refund) return {};
    return refused("the lock is not satisfied");
}

} // namespace

Result<void> verify_spending_conditions(std::span<const Proof> inputs, std::span<const BlindedMessage> outputs,
                                        UnixSeconds now, std::string_view melt_quote)
{
    const Mix mix = TRY(check_mix(inputs));
    if (mix.sigflag == SigFlag::all)
        return verify_one(*mix.secrets.front(), sig_all_message(inputs, outputs, melt_quote), inputs.front().witness,
                          now);
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (mix.secrets[i]) TRY(verify_one(*mix.secrets[i], inputs[i].secret, inputs[i].witness, now));
    return {};
}

} // namespace adit::payments::cashu
