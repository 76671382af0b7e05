// bench/purse.h - money of the market's mint, and the requests that spend it, made before anything is measured.
#pragma once

#include "bench/market.h"
#include "payments/cashu/keyset.h"
#include "payments/cashu/mint_client.h"

namespace adit::bench {

class Purse {
public:
    explicit Purse(const Market& market);

    /// So many first-time buyers with a token of the exact price, three proofs with DLEQ: requests to POST /purchase,
    /// as bytes, good for five minutes.
    std::vector<std::string> purchases(std::size_t count);
    /// What aditd would send to the mint for so many purchases: requests to POST /v1/swap, as bytes.
    std::vector<std::string> swaps(std::size_t count);
    const payments::cashu::Keyset& keyset() const { return keyset_; }

private:
    using Proofs = std::vector<payments::cashu::Proof>;
    /// Locked to the sales key, each of kShopPrice.
    std::vector<Proofs> tokens(std::size_t count);
    void mint(std::size_t count, std::vector<Proofs>& tokens);
    std::string purchase(Proofs proofs) const;
    std::string swap(Proofs proofs) const;

    const Market& market_;
    payments::CurlHttpClient http_;
    payments::cashu::MintClient client_;
    payments::cashu::Keyset keyset_;
};

} // namespace adit::bench
