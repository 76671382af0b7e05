#include "payments/outputs.h"

#include "base/hash.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/dleq.h"
#include "payments/cashu/mint_json.h"
#include "payments/cashu/p2pk.h"

#include <algorithm>

namespace adit::payments {

WalletOutputs::WalletOutputs(cashu::Seed seed, std::map<cashu::KeysetId, std::uint64_t> next_counters)
    : seed_(std::move(seed)), next_(std::move(next_counters))
{
}

Result<std::vector<Output>> WalletOutputs::make(const cashu::KeysetId& keyset, std::span<const Sat> amounts)
{
    std::uint64_t counter = 0;
    {
        const std::lock_guard lock(mutex_);
        counter = next_[keyset];
        next_[keyset] += amounts.size();
    }
    return derive(keyset, counter, amounts);
}

Result<std::vector<Output>> WalletOutputs::peek(const cashu::KeysetId& keyset, std::size_t count) const
{
    return at(keyset, next(keyset), count);
}

Result<std::vector<Output>> WalletOutputs::at(const cashu::KeysetId& keyset, std::uint64_t first,
                                              std::size_t count) const
{
    return derive(keyset, first, std::vector<Sat>(count, Sat(1)));
}

std::uint64_t WalletOutputs::next(const cashu::KeysetId& keyset) const
{
    const std::lock_guard lock(mutex_);
    const auto place = next_.find(keyset);
    return place == next_.end() ? 0 : place->second;
}

void WalletOutputs::pass(const cashu::KeysetId& keyset, std::uint64_t next)
{
    const std::lock_guard lock(mutex_);
    next_[keyset] = std::max(next_[keyset], next);
}

Result<std::vector<Output>> WalletOutputs::derive(const cashu::KeysetId& keyset, std::uint64_t counter,
                                                  std::span<const Sat> amounts) const
{
    std::vector<Output> outputs;
    for (const Sat amount : amounts) {
        cashu::DerivedOutput derived = TRY(cashu::derive_output(seed_, keyset, counter));
        const cashu::Point b = TRY(cashu::blind(derived.secret, derived.r));
        outputs.push_back(
            Output{OutputOwner::wallet, {keyset, amount, b}, std::move(derived.secret), std::move(derived.r), counter});
        ++counter;
    }
    return outputs;
}

std::string seed_fingerprint(const cashu::Seed& seed)
{
    const Sha256 digest = hmac_sha256(seed.expose(), as_bytes("adit: the name of a wallet's seed"));
    return encode_hex(ByteView(digest).first<16>());
}

namespace {

template<typename MakeSecret>
Result<std::vector<Output>> random_outputs(const cashu::KeysetId& keyset, std::span<const Sat> amounts,
                                           const MakeSecret& make_secret, Rng& rng)
{
    std::vector<Output> outputs;
    for (const Sat amount : amounts) {
        std::string secret = make_secret();
        cashu::Scalar r = cashu::random_scalar(rng);
        const cashu::Point b = TRY(cashu::blind(secret, r));
        outputs.push_back(
            Output{OutputOwner::buyer, {keyset, amount, b}, std::move(secret), std::move(r), std::nullopt});
    }
    return outputs;
}

} // namespace

Result<std::vector<Output>> buyer_outputs(const cashu::KeysetId& keyset, std::span<const Sat> amounts,
                                          const BuyerLock& lock, Rng& rng)
{
    cashu::P2pkLock conditions;
    conditions.keys = {cashu::even_point(lock.buyer)};
    conditions.locktime = lock.locktime;
    conditions.refund_keys = {cashu::even_point(lock.ours)};
    return random_outputs(
        keyset, amounts, [&] { return cashu::make_p2pk_secret(conditions, rng); }, rng);
}

Result<std::vector<Output>> bearer_outputs(const cashu::KeysetId& keyset, std::span<const Sat> amounts, Rng& rng)
{
    return random_outputs(
        keyset, amounts, [&] { return cashu::make_plain_secret(rng); }, rng);
}

void sort_outputs(std::vector<Output>& outputs)
{
    std::stable_sort(outputs.begin(), outputs.end(),
                     [](const Output& a, const Output& b) { return a.message.amount < b.message.amount; });
}

std::vector<cashu::BlindedMessage> messages(std::span<const Output> outputs)
{
    std::vector<cashu::BlindedMessage> out;
    out.reserve(outputs.size());
    for (const Output& output : outputs) out.push_back(output.message);
    return out;
}

Result<OwnedProofs> unblind_all(std::span<const Output> outputs, std::span<const cashu::BlindSignature> signatures,
                                const cashu::MintPage& page)
{
    const auto wrong = [](const char* what) { return Error{Reason::mint_unreachable, what}; };
    if (signatures.size() != outputs.size()) return wrong("the mint gave another number of signatures than asked");
    OwnedProofs owned;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const Output& output = outputs[i];
        const cashu::BlindSignature& signature = signatures[i];
        if (!cashu::matches(output.message, signature)) return wrong("a signature of another amount or keyset");
        const cashu::Keyset* keyset = page.find(output.message.keyset);
        if (!keyset) return wrong("the keys of our own outputs are not known yet");
        const auto key = keyset->keys.find(output.message.amount);
        if (key == keyset->keys.end()) return wrong("the keyset has no key for an amount of ours");
        if (signature.dleq && !cashu::verify_promise_dleq(key->second, output.message.b, signature.c, *signature.dleq))
            return wrong("a signature whose DLEQ does not verify");
        const cashu::Point c = TRY(cashu::unblind(signature.c, output.r, key->second));
        cashu::Proof proof{output.message.keyset, output.message.amount, output.secret, c, std::nullopt, std::nullopt};
        if (signature.dleq) {
            proof.dleq = signature.dleq;
            ByteArray<32> r{};
            std::ranges::copy(output.r.expose(), r.begin());
            proof.dleq->r = r; // so that whoever receives the proof can check it too
        }
        switch (output.owner) {
        case OutputOwner::wallet:
            owned.wallet.push_back(std::move(proof));
            break;
        case OutputOwner::buyer:
            owned.buyer.push_back(std::move(proof));
            break;
        case OutputOwner::transfer:
            owned.transfer.push_back(std::move(proof));
            break;
        }
    }
    return owned;
}

} // namespace adit::payments
