#include "payments/selection.h"

#include "payments/cashu/curve.h"
#include "payments/cashu/token.h"

#include <algorithm>

namespace adit::payments {

using cashu::Keyset;
using cashu::MintPage;
using cashu::Proof;

std::optional<Sat> fee_for(std::span<const Proof> inputs, const MintPage& page)
{
    std::vector<std::uint64_t> ppk;
    ppk.reserve(inputs.size());
    for (const Proof& proof : inputs) {
        const Keyset* keyset = page.find(proof.keyset);
        if (!keyset) return std::nullopt;
        ppk.push_back(keyset->input_fee_ppk);
    }
    return cashu::input_fee(ppk);
}

Result<Sat> net_of(std::span<const Proof> inputs, const MintPage& page)
{
    const auto face = cashu::total(inputs);
    const auto fee = fee_for(inputs, page);
    if (!face || !fee) return Error{Reason::internal, "inputs of a keyset that is not known any more"};
    return difference(*face, *fee).value_or(Sat{});
}

std::vector<cashu::Point> points_of(std::span<const Proof> proofs)
{
    std::vector<cashu::Point> ys;
    ys.reserve(proofs.size());
    for (const Proof& proof : proofs) ys.push_back(cashu::proof_y(proof.secret));
    return ys;
}

bool worth_giving(std::span<const Sat> amounts, Sat amount, const Keyset& keyset)
{
    const std::vector<std::uint64_t> ppk(amounts.size(), keyset.input_fee_ppk);
    const auto fee = cashu::input_fee(ppk);
    return fee && amount > *fee;
}

namespace {

constexpr std::size_t kMostInputs = 500; // of one transaction: mints have limits of their own, from 1000 on

/// Those that can be spent, in the order in which they should be: what is signed with no more first, then the largest.
std::vector<Proof> spendable(std::vector<Proof> proofs, const MintPage& page, UnixSeconds now)
{
    std::erase_if(proofs, [&](const Proof& proof) {
        const Keyset* keyset = page.find(proof.keyset);
        return !keyset || keyset->expired(now);
    });
    std::ranges::stable_sort(proofs, [&](const Proof& a, const Proof& b) {
        const bool a_active = page.find(a.keyset)->active;
        const bool b_active = page.find(b.keyset)->active;
        if (a_active != b_active) return b_active;
        return a.amount > b.amount;
    });
    return proofs;
}

} // namespace

std::vector<Proof> enough_for(Sat amount, std::vector<Proof> proofs, const MintPage& page, UnixSeconds now)
{
    proofs = spendable(std::move(proofs), page, now);
    std::vector<Proof> chosen;
    std::size_t next = 0;
    const auto enough = [&] {
        const auto net = net_of(chosen, page);
        return net && *net >= amount;
    };
    while (next < proofs.size() && chosen.size() < kMostInputs && !enough()) chosen.push_back(proofs[next++]);
    if (chosen.empty() || !enough()) return {};
    // The last one may be far more than was missing: the smallest that does takes its place.
    for (std::size_t i = proofs.size(); i-- > next;) {
        std::swap(chosen.back(), proofs[i]);
        if (enough()) break;
        std::swap(chosen.back(), proofs[i]);
    }
    return chosen;
}

Sat most_of(std::vector<Proof> proofs, const MintPage& page, UnixSeconds now)
{
    proofs = spendable(std::move(proofs), page, now);
    return net_of(std::span(proofs).first(std::min(proofs.size(), kMostInputs)), page).value_or(Sat{});
}

} // namespace adit::payments
