#include "payments/cashu/p2pk.h"

#include "base/hash.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/p2pk_internal.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace adit::payments::cashu {
namespace {

constexpr std::size_t kMaxKeys = 64; // a lock with more is nobody's honest payment

Error malformed_lock(const char* what) { return Error{Reason::wrong_p2pk, what}; }

Result<std::uint64_t> whole_number(const SecretTag& tag)
{
    std::uint64_t value = 0;
    if (tag.size() != 2) return malformed_lock("a tag that holds one number holds more or none");
    const std::string& text = tag[1];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return malformed_lock("a tag's number is none");
    return value;
}

Result<void> append_keys(std::vector<Point>& keys, std::span<const std::string> texts)
{
    if (texts.size() > kMaxKeys - keys.size()) return malformed_lock("too many keys");
    for (const std::string& text : texts) {
        const auto key = Point::parse_hex(text);
        if (!key) return malformed_lock("a key is no point");
        const ByteView x = ByteView(key->bytes()).subspan(1);
        for (const Point& other : keys)
            if (std::equal(x.begin(), x.end(), other.bytes().begin() + 1))
                return malformed_lock("a key is there twice");
        keys.push_back(*key);
    }
    return {};
}

Result<std::vector<Point>> read_lock_keys(const SecretTag& tag)
{
    std::vector<Point> keys;
    if (tag.size() < 2) return malformed_lock("a list of keys is empty");
    TRY(append_keys(keys, std::span(tag).subspan(1)));
    return keys;
}

Result<std::uint64_t> read_threshold(const WellKnownSecret& secret, std::string_view name, std::size_t keys)
{
    const SecretTag* tag = secret.tag(name);
    if (tag == nullptr) return std::uint64_t{1};
    const std::uint64_t count = TRY(whole_number(*tag));
    if (count == 0 || count > keys) return malformed_lock("as many signatures can not be given");
    return count;
}

bool same_conditions(const WellKnownSecret& a, const WellKnownSecret& b)
{
    return a.kind == b.kind && a.data == b.data && a.tags == b.tags;
}

/// The sigflag of a secret as far as its tags say; whether the rest is right is for whoever knows the kind.
Result<SigFlag> sigflag_of(const WellKnownSecret& secret)
{
    const SecretTag* tag = secret.tag("sigflag");
    if (tag == nullptr) return SigFlag::inputs;
    if (tag->size() == 2 && (*tag)[1] == "SIG_INPUTS") return SigFlag::inputs;
    if (tag->size() == 2 && (*tag)[1] == "SIG_ALL") return SigFlag::all;
    return malformed_lock("an unknown sigflag");
}

} // namespace

Result<P2pkLock> parse_lock_tags(const WellKnownSecret& secret, std::vector<Point> first_keys)
{
    P2pkLock lock;
    lock.keys = std::move(first_keys);
    if (const SecretTag* tag = secret.tag("pubkeys")) {
        if (tag->size() < 2) return malformed_lock("a list of keys is empty");
        TRY(append_keys(lock.keys, std::span(*tag).subspan(1)));
    }
    if (const SecretTag* tag = secret.tag("refund")) lock.refund_keys = TRY(read_lock_keys(*tag));
    if (const SecretTag* tag = secret.tag("locktime")) {
        const std::uint64_t seconds = TRY(whole_number(*tag));
        if (seconds > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return malformed_lock("locktime");
        lock.locktime = UnixSeconds(static_cast<std::int64_t>(seconds));
    }
    lock.n_sigs = TRY(read_threshold(secret, "n_sigs", lock.keys.size()));
    lock.n_sigs_refund = TRY(read_threshold(secret, "n_sigs_refund", lock.refund_keys.size()));
    lock.sigflag = TRY(sigflag_of(secret));
    return lock;
}

Result<Mix> check_mix(std::span<const Proof> inputs)
{
    Mix mix;
    mix.secrets.reserve(inputs.size());
    for (const Proof& input : inputs) {
        mix.secrets.push_back(TRY(parse_secret(input.secret)));
        const auto& secret = mix.secrets.back();
        if (secret && TRY(sigflag_of(*secret)) == SigFlag::all) mix.sigflag = SigFlag::all;
    }
    if (mix.sigflag == SigFlag::all)
        for (const auto& secret : mix.secrets)
            if (!secret || !mix.secrets.front() || !same_conditions(*secret, *mix.secrets.front()))
                return malformed_lock("SIG_ALL beside other conditions");
    return mix;
}

Result<P2pkLock> parse_p2pk_lock(const WellKnownSecret& secret)
{
    if (secret.kind != "P2PK") return malformed_lock("the lock is of another kind");
    std::vector<Point> keys;
    TRY(append_keys(keys, std::span(&secret.data, 1)));
    return parse_lock_tags(secret, std::move(keys));
}

std::string make_p2pk_secret(const P2pkLock& lock, Rng& rng)
{
    CHECK(!lock.keys.empty());
    WellKnownSecret secret{"P2PK", encode_hex(rng.bytes<32>()), lock.keys.front().hex(), {}};
    const auto list = [&](const char* name, std::span<const Point> keys) {
        SecretTag tag{name};
        for (const Point& key : keys) tag.push_back(key.hex());
        if (!keys.empty()) secret.tags.push_back(std::move(tag));
    };
    if (lock.sigflag == SigFlag::all) secret.tags.push_back({"sigflag", "SIG_ALL"});
    list("pubkeys", std::span(lock.keys).subspan(1));
    if (lock.n_sigs != 1) secret.tags.push_back({"n_sigs", std::to_string(lock.n_sigs)});
    if (lock.locktime) secret.tags.push_back({"locktime", std::to_string(lock.locktime->count())});
    list("refund", lock.refund_keys);
    if (lock.n_sigs_refund != 1) secret.tags.push_back({"n_sigs_refund", std::to_string(lock.n_sigs_refund)});
    return encode_secret(secret);
}

std::string make_plain_secret(Rng& rng) { return encode_hex(rng.bytes<32>()); }

namespace {

bool names(const P2pkLock& lock, const protocol::PublicKey& ours)
{
    return std::ranges::any_of(lock.keys, [&](const Point& key) {
        return std::equal(ours.bytes().begin(), ours.bytes().end(), key.bytes().begin() + 1);
    });
}

} // namespace

Result<SigFlag> spendable_alone(std::string_view text, std::span<const protocol::PublicKey> our_keys, UnixSeconds now,
                                Seconds margin)
{
    const auto secret = TRY(parse_secret(text));
    if (!secret) return malformed_lock("a proof without a lock: whoever sees it can spend it");
    const P2pkLock lock = TRY(parse_p2pk_lock(*secret));
    if (std::ranges::none_of(our_keys, [&](const protocol::PublicKey& ours) { return names(lock, ours); }))
        return malformed_lock("locked to another key");
    if (lock.n_sigs != 1) return malformed_lock("our signature alone is not enough");
    // Past its locktime the refund keys, or where there are none everybody, can take it back under our hands.
    if (lock.locktime && *lock.locktime < now + margin) return malformed_lock("the locktime is too close");
    return lock.sigflag;
}

Result<void> all_spendable_alone(std::span<const Proof> proofs, std::span<const protocol::PublicKey> our_keys,
                                 UnixSeconds now, Seconds margin)
{
    for (const Proof& proof : proofs) TRY(spendable_alone(proof.secret, our_keys, now, margin));
    TRY(check_mix(proofs));
    return {};
}

Result<void> sign_inputs(std::span<Proof> inputs, std::span<const BlindedMessage> outputs,
                         std::span<const protocol::SecretKey> keys, Rng& rng)
{
    CHECK(!keys.empty());
    const Mix mix = TRY(check_mix(inputs));
    std::vector<const protocol::SecretKey*> signers; // of each input
    for (const auto& secret : mix.secrets) {
        signers.push_back(&keys.front());
        if (!secret) continue;
        const P2pkLock lock = TRY(parse_p2pk_lock(*secret));
        const auto named =
            std::ranges::find_if(keys, [&](const protocol::SecretKey& key) { return names(lock, key.public_key()); });
        if (named != keys.end()) signers.back() = &*named;
    }

    const auto witness = [&](const protocol::SecretKey& key, std::string_view message) {
        const protocol::Signature signature = protocol::sign(key, sha256(as_bytes(message)), rng);
        return encode_witness(std::span(&signature, 1));
    };
    if (mix.sigflag == SigFlag::all) {
        for (Proof& input : inputs) input.witness.reset();
        inputs.front().witness = witness(*signers.front(), sig_all_message(inputs, outputs));
        return {};
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        inputs[i].witness.reset();
        if (mix.secrets[i]) inputs[i].witness = witness(*signers[i], inputs[i].secret);
    }
    return {};
}

std::string sig_all_message(std::span<const Proof> inputs, std::span<const BlindedMessage> outputs,
                            std::string_view melt_quote)
{
    std::string message;
    for (const Proof& input : inputs) message += input.secret + input.c.hex();
    for (const BlindedMessage& output : outputs) message += std::to_string(output.amount.count()) + output.b.hex();
    message += melt_quote;
    return message;
}

std::string encode_witness(std::span<const protocol::Signature> signatures)
{
    std::string out = R"({"signatures":[)";
    for (std::size_t i = 0; i < signatures.size(); ++i)
        out += (i == 0 ? "\"" : ",\"") + encode_hex(signatures[i]) + '"';
    return out + "]}";
}

} // namespace adit::payments::cashu
