#include "nostr_testing.h"
#include "protocol/constants.h"
#include "protocol/deletion.h"
#include "protocol/nip60.h"

#include <algorithm>

namespace adit::protocol {
namespace {

Event wallet(std::int64_t at, std::uint8_t privkey, std::string mint = "https://mint.example")
{
    fakes::SeededRng rng;
    WalletContent content;
    content.privkeys.push_back(secret_key(privkey));
    content.mints = {std::move(mint)};
    return make_event(wallet_draft(content, secret_key(1), UnixSeconds(at), rng).value());
}

Event token(std::int64_t at, const std::vector<std::string>& secrets, std::vector<EventId> del = {},
            std::uint8_t author = 1)
{
    fakes::SeededRng rng;
    TokenContent content{.mint = "https://mint.example", .proofs = {}, .del = std::move(del)};
    for (const std::string& secret : secrets)
        content.proofs.push_back({.id = "00", .amount = 1, .secret = secret, .c = "02"});
    return make_event(token_draft(content, secret_key(author), UnixSeconds(at), rng).value(), author);
}

Event deletion(std::int64_t at, const Event& target, std::uint8_t author = 1)
{
    const DeletedEvent deleted{target.id, target.kind};
    return make_event(deletion_draft(std::span(&deleted, 1), {}, UnixSeconds(at)), author);
}

std::vector<std::string> secrets(const WalletState& state)
{
    std::vector<std::string> out;
    for (const HeldToken& held : state.tokens)
        for (const WalletProof& proof : held.content.proofs) out.push_back(proof.secret);
    std::sort(out.begin(), out.end());
    return out;
}

WalletState fold(const std::vector<Event>& events) { return fold_wallet(events, secret_key(1)); }

using Texts = std::vector<std::string>;

TEST(Nip60Fold, NothingFetchedIsAnEmptyWalletThatMayBeMade)
{
    const WalletState state = fold({});
    EXPECT_FALSE(state.event);
    EXPECT_TRUE(state.privkeys.empty());
    EXPECT_TRUE(state.tokens.empty());
    EXPECT_TRUE(state.unreadable_wallets.empty());
}

TEST(Nip60Fold, TheNewestWalletCountsAndEveryKeyEverSeenIsKept)
{
    const Event newest = wallet(300, 23, "https://new.example");
    const WalletState state = fold({wallet(200, 22), newest, wallet(100, 21), wallet(50, 23)});
    EXPECT_EQ(state.event, newest.id);
    EXPECT_EQ(state.newest, UnixSeconds(300));
    EXPECT_EQ(state.mints, Texts{"https://new.example"});
    ASSERT_EQ(state.privkeys.size(), 3U);
    EXPECT_EQ(state.privkeys[0].public_key(), secret_key(23).public_key());
    EXPECT_EQ(state.privkeys[1].public_key(), secret_key(22).public_key());
    EXPECT_EQ(state.privkeys[2].public_key(), secret_key(21).public_key());
}

TEST(Nip60Fold, ADeletedWalletDoesNotCountButItsKeyIsKept)
{
    const Event old = wallet(100, 21);
    const WalletState state = fold({old, deletion(200, old)});
    EXPECT_FALSE(state.event);
    EXPECT_EQ(state.newest, UnixSeconds(100));
    EXPECT_EQ(state.privkeys.size(), 1U);
}

TEST(Nip60Fold, AWalletThatCanNotBeReadIsToldApartFromNone)
{
    const Event foreign_form =
        make_event({.created_at = UnixSeconds(100), .kind = kKindWallet, .tags = {}, .content = "what is this"});
    WalletState state = fold({foreign_form});
    EXPECT_FALSE(state.event);
    EXPECT_EQ(state.newest, UnixSeconds(100));
    EXPECT_EQ(state.unreadable_wallets, std::vector<EventId>{foreign_form.id});
    state = fold({foreign_form, wallet(50, 21)});
    EXPECT_TRUE(state.event) << "the older one is usable";
    EXPECT_EQ(state.unreadable_wallets.size(), 1U) << "but the newer one is there";
    const Event broken_token =
        make_event({.created_at = UnixSeconds(100), .kind = kKindTokens, .tags = {}, .content = "what is this"});
    EXPECT_EQ(fold({broken_token}).unreadable_tokens, std::vector<EventId>{broken_token.id});
    EXPECT_TRUE(fold({broken_token, deletion(200, broken_token)}).unreadable_tokens.empty());
    EXPECT_TRUE(fold({broken_token, token(200, {"a"}, {broken_token.id})}).unreadable_tokens.empty());
}

TEST(Nip60Fold, TokensInAnothersDelAreGoneEvenWithoutADeletion)
{
    const Event old = token(100, {"a", "b"});
    const Event next = token(200, {"b", "c"}, {old.id});
    EXPECT_EQ(secrets(fold({old, next})), (Texts{"b", "c"}));
    EXPECT_EQ(secrets(fold({next, old})), (Texts{"b", "c"}));
}

TEST(Nip60Fold, TheDelOfADeletedTokenStillCounts)
{
    const Event first = token(100, {"a"});
    const Event second = token(200, {"b"}, {first.id});
    const Event third = token(300, {"c"}, {second.id});
    EXPECT_EQ(secrets(fold({first, second, third, deletion(301, second)})), Texts{"c"});
}

TEST(Nip60Fold, DeletedTokensAreGoneAndOthersDeletionsDoNothing)
{
    const Event held = token(100, {"a"});
    EXPECT_EQ(secrets(fold({held, deletion(200, held)})), Texts{});
    EXPECT_EQ(secrets(fold({held, deletion(200, held, 2)})), Texts{"a"});
    Event forged = deletion(200, held);
    forged.sig[0] ^= 1U;
    EXPECT_EQ(secrets(fold({held, forged})), Texts{"a"});
}

TEST(Nip60Fold, OthersTokensAndForgedOnesAreSkipped)
{
    Event forged = token(100, {"a"});
    forged.created_at = UnixSeconds(101);
    const WalletState state = fold({forged, token(100, {"b"}, {}, 2), token(100, {"c"})});
    EXPECT_EQ(secrets(state), Texts{"c"});
    EXPECT_TRUE(state.unreadable_tokens.empty());
}

TEST(Nip60Fold, ARepeatedSecretIsKeptOnceInTheNewestToken)
{
    const Event older = token(100, {"a", "b"});
    const Event newer = token(200, {"b", "b", "c"});
    const WalletState state = fold({newer, older, newer, older});
    EXPECT_EQ(secrets(state), (Texts{"a", "b", "c"}));
    ASSERT_EQ(state.tokens.size(), 2U);
    EXPECT_EQ(state.tokens[0].event, older.id) << "oldest first";
    EXPECT_EQ(state.tokens[0].content.proofs.size(), 1U);
    EXPECT_EQ(state.tokens[1].content.proofs.size(), 2U);
    EXPECT_EQ(state.tokens[1].created_at, UnixSeconds(200));
}

TEST(Nip60Fold, TheOrderOfFetchingDoesNotMatter)
{
    const Event a = token(100, {"a", "x"});
    const Event b = token(100, {"x", "y"});
    const Event c = token(200, {"z"}, {a.id});
    std::vector<Event> events{wallet(10, 21), wallet(10, 22), a, b, c, deletion(300, b)};
    const WalletState wanted = fold(events);
    fakes::SeededRng rng;
    for (int i = 0; i < 20; ++i) {
        for (std::size_t k = events.size(); k > 1; --k) std::swap(events[k - 1], events[rng.below(k)]);
        const WalletState state = fold(events);
        EXPECT_EQ(state.event, wanted.event);
        EXPECT_EQ(secrets(state), secrets(wanted));
        EXPECT_EQ(state.privkeys[0].public_key(), wanted.privkeys[0].public_key());
    }
    EXPECT_EQ(secrets(wanted), Texts{"z"});
}

} // namespace
} // namespace adit::protocol
