// A shop whose database is lost: its words are put back by the built adit, and the built aditd has the same money
// again.
#include "e2e/shop.h"

#include "base/file.h"
#include "payments/cashu/bip39.h"

#include <fstream>

namespace adit::e2e {
namespace {

std::uint64_t swaps_of(const Shop& shop)
{
    std::uint64_t swaps = 0;
    for (const auto& each : shop.world->mint().transactions())
        if (each.kind == devnet::MintTransaction::Kind::swap) ++swaps;
    return swaps;
}

TEST(Restore, TheWordsAloneBringTheWalletBack)
{
    Shop shop;
    shop.start();
    for (int i = 0; i < 3; ++i) {
        const Buyer buyer = shop.buyer({64, 32, 4});
        ASSERT_EQ(shop.insist(buyer.request).status, 200);
    }
    const std::uint64_t before = shop.wallet();
    ASSERT_EQ(before, 300U);
    ASSERT_EQ(shop.daemon->stop(), 0);
    const auto state = shop.database.parent_path();
    std::string words = must(read_file(state / "wallet.seed"));
    words.pop_back();
    const auto rows = shop.wallet_rows().size();
    std::filesystem::remove_all(state);
    // The Nostr key is lost too: no relay has a wallet of the new one, and it is the mint that gives the money back.
    shop.operator_key = protocol::SecretKey::generate(shop.rng);
    ASSERT_TRUE(write_private_file(shop.folder / "nsec", encode_hex(shop.operator_key.expose())));

    std::ofstream(shop.folder / "words") << words;
    std::filesystem::permissions(shop.folder / "words",
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    auto restored = start_program("adit", {"init", "--dir", shop.folder.string(), "--unattended", "--restore-words",
                                           (shop.folder / "words").string()});
    EXPECT_EQ(must(restored.wait(Milliseconds(30'000))), 0) << restored.output();
    EXPECT_EQ(must(read_file(state / "wallet.seed")), words + "\n");

    shop.start();
    EXPECT_EQ(shop.wallet(), before);
    EXPECT_EQ(shop.wallet_rows().size(), rows);
    const std::uint64_t swaps = swaps_of(shop);
    const Buyer buyer = shop.buyer({64, 32, 4});
    EXPECT_EQ(shop.insist(buyer.request).status, 200);
    EXPECT_EQ(swaps_of(shop), swaps + 1);
    EXPECT_EQ(shop.wallet(), before + 100);
    // Once, and not again.
    shop.restart();
    EXPECT_EQ(shop.daemon->output().find("wallet_scan"), std::string::npos);
    EXPECT_EQ(shop.wallet(), before + 100);
}

} // namespace
} // namespace adit::e2e
