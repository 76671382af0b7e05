// payments/tender.h - a token that was judged to be ours to spend now.
#pragma once

#include "payments/cashu/proof.h"

#include <string>
#include <vector>

namespace adit::payments {

class Mint;

/// Made by Till::judge only. Nothing was asked of the mint to make it.
struct Tender {
    Mint* mint = nullptr;             // lives as long as the till
    std::vector<cashu::Proof> proofs; // keyset ids complete, no witness yet
    Sat face;
    Sat fee; // NUT-02, for swapping these proofs
    Sat net; // face - fee; 0 where the fee eats all
    bool every_proof_has_dleq = false;
};

} // namespace adit::payments
