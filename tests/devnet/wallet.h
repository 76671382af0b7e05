// tests/devnet/wallet.h - just enough of a wallet to try a mint: it blinds, asks, and unblinds.
#pragma once

#include "base/rng.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/keyset.h"
#include "payments/cashu/mint_json.h"

#include <functional>
#include <map>

namespace adit::devnet {

namespace cashu = payments::cashu;

struct Reply {
    int status;
    std::string body;
    /// The NUT error's code, 0 where it is none.
    std::int64_t code() const
    {
        const auto refusal = cashu::parse_refusal(status, body);
        return refusal ? refusal->code : 0;
    }
};

/// What blinds and unblinds one transaction's outputs.
struct Prepared {
    std::vector<cashu::BlindedMessage> outputs;
    std::vector<std::string> secrets;
    std::vector<cashu::Scalar> factors;
};

class Wallet {
public:
    using Ask = std::function<Reply(std::string method, std::string path, std::string body)>;
    Wallet(Ask ask, Rng& rng) : ask_(std::move(ask)), rng_(rng) {}

    Reply get(const std::string& path) { return ask_("GET", path, ""); }
    Reply post(const std::string& path, const std::string& body) { return ask_("POST", path, body); }

    /// The first active keyset of that unit, with keys.
    cashu::Keyset keyset(const std::string& unit = "sat");
    Prepared prepare(const cashu::Keyset& keyset, const std::vector<std::uint64_t>& amounts,
                     const std::function<std::string()>& make_secret = {});
    std::vector<cashu::Proof> unblind(const cashu::Keyset& keyset, const Prepared& prepared,
                                      const std::vector<cashu::BlindSignature>& signatures);
    /// Fresh proofs of these amounts, paid for by a quote.
    std::vector<cashu::Proof> mint(const std::vector<std::uint64_t>& amounts,
                                   const std::function<std::string()>& make_secret = {});
    std::string mint_quote(std::uint64_t amount);

    Rng& rng() { return rng_; }

private:
    Ask ask_;
    Rng& rng_;
};

} // namespace adit::devnet
