// tests/devnet/mint_world.h - a mint without sockets, and a wallet that talks to it.
#pragma once

#include "devnet/faulty_mint.h"
#include "devnet/test_clock.h"
#include "devnet/wallet.h"
#include "fakes/seeded_rng.h"
#include "payments/cashu/p2pk.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace adit::devnet {

class MintWorld : public testing::Test {
protected:
    using Proofs = std::vector<cashu::Proof>;
    using Amounts = std::vector<std::uint64_t>;

    Reply swap(const Proofs& inputs, const std::vector<cashu::BlindedMessage>& outputs)
    {
        return wallet_.post("/v1/swap", cashu::encode_swap(inputs, outputs));
    }
    Reply swap(const Proofs& inputs, const Amounts& amounts)
    {
        return swap(inputs, wallet_.prepare(wallet_.keyset(), amounts).outputs);
    }
    std::string state_of(const cashu::Proof& proof)
    {
        const std::vector ys{cashu::proof_y(proof.secret)};
        const auto reply = nlohmann::json::parse(wallet_.post("/v1/checkstate", cashu::encode_check_state(ys)).body);
        return reply["states"][0]["state"];
    }
    void books_balance()
    {
        const Accounting books = mint_.accounting();
        EXPECT_EQ(books.outstanding().count() + books.melted.count() + books.fees.count(), books.minted.count());
    }
    /// A maker of secrets locked to `key`.
    std::function<std::string()> locked_to(const protocol::SecretKey& key, cashu::SigFlag flag = cashu::SigFlag::inputs)
    {
        return [this, &key, flag] {
            cashu::P2pkLock lock;
            lock.keys = {cashu::even_point(key.public_key())};
            lock.sigflag = flag;
            return cashu::make_p2pk_secret(lock, rng_);
        };
    }

    TestClock clock_;
    fakes::SeededRng rng_;
    Mint mint_{clock_, rng_};
    Faults faults_;
    FaultyMint faulty_{mint_, faults_};
    Wallet wallet_{[this](const std::string& method, const std::string& path, const std::string& body) {
                       const MintAnswer answer = mint_.handle(method, path, body);
                       return Reply{answer.status, answer.body};
                   },
                   rng_};
};

} // namespace adit::devnet
