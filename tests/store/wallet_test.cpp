#include "shelf.h"

#include "protocol/constants.h"

namespace adit::store {
namespace {

class Wallet : public StoreTest {
protected:
    protocol::Event event(const std::string& content)
    {
        return protocol::sign_event({clock_.now(), protocol::kKindTokens, {{"a", "b"}}, content},
                                    protocol::SecretKey::generate(rng_), rng_);
    }
    WalletProof found(const std::string& secret, const std::string& mint = "https://mint.example") const
    {
        return {.mint = mint, .proof = proof(secret)};
    }
    void add(std::initializer_list<WalletProof> proofs)
    {
        good(store().add_wallet_proofs({proofs.begin(), proofs.size()}));
    }
    std::vector<std::string> unpublished(std::size_t limit = 100)
    {
        std::vector<std::string> secrets;
        for (const auto& each : good(store().unpublished_proofs(limit))) secrets.push_back(each.proof.secret);
        return secrets;
    }
    const std::vector<std::string> relays_{"wss://a", "wss://b"};
};

using Outbox = Wallet;
using Texts = std::vector<std::string>;

TEST_F(Wallet, CountsAProofOnce)
{
    std::vector<WalletProof> proofs{found("p1"), found("p2"), found("p1")};
    proofs[1].token_event = event_id(7);
    proofs[1].state = ProofState::spent;
    EXPECT_EQ(good(store().add_wallet_proofs(proofs)), 2U);
    EXPECT_EQ(good(store().add_wallet_proofs(proofs)), 0U);
    EXPECT_EQ(good(store().wallet_proofs(ProofState::unspent)).size(), 1U);
    const auto spent = good(store().wallet_proofs(ProofState::spent));
    ASSERT_EQ(spent.size(), 1U);
    EXPECT_EQ(spent[0].token_event, event_id(7));
    EXPECT_EQ(spent[0].state, ProofState::spent);
}

TEST_F(Wallet, SumsWhatIsUnspentByMintAndKeyset)
{
    EXPECT_TRUE(good(store().holdings()).empty());
    WalletProof other = found("p3");
    other.proof.keyset = "00bb";
    WalletProof gone = found("p4");
    gone.state = ProofState::spent;
    add({found("p1"), found("p2"), other, gone, found("p5", "https://a.example")});
    const auto holdings = good(store().holdings());
    ASSERT_EQ(holdings.size(), 3U);
    EXPECT_EQ(holdings[0].mint, "https://a.example");
    EXPECT_EQ(holdings[0].worth, Sat(8));
    EXPECT_EQ(holdings[1].keyset, "00aa");
    EXPECT_EQ(holdings[1].worth, Sat(16));
    EXPECT_EQ(holdings[2].keyset, "00bb");
    EXPECT_EQ(holdings[2].worth, Sat(8));
}

TEST_F(Wallet, ForgetsTheCountersOfAnotherSeed)
{
    const auto counters = [&] { return good(store().counters()).size(); };
    good(store().use_seed("one", SeedAge::from_before));
    good(store().add_restored_proofs({}, {"00aa", 7}));
    good(store().set_fact("seed.scanned https://mint.example", "1"));
    good(store().use_seed("one", SeedAge::from_before));
    ASSERT_EQ(counters(), 1U);
    EXPECT_TRUE(good(store().fact("seed.scanned https://mint.example")));
    EXPECT_FALSE(good(store().fact(kFactSeedIsNew)));

    good(store().use_seed("two", SeedAge::from_before));
    EXPECT_EQ(counters(), 0U);
    EXPECT_FALSE(good(store().fact("seed.scanned https://mint.example")));
    // And back again: what was known of the first is not known any more.
    good(store().use_seed("one", SeedAge::made_now));
    EXPECT_EQ(counters(), 0U);
    EXPECT_FALSE(good(store().fact("seed.scanned https://mint.example")));
    EXPECT_EQ(good(store().fact(kFactSeedIsNew)), "1");
}

TEST_F(Wallet, KeepsCountersThatAreOlderThanTheNameOfTheirSeed)
{
    good(store().add_restored_proofs({}, {"00aa", 7}));
    good(store().use_seed("one", SeedAge::from_before));
    ASSERT_EQ(good(store().counters()).size(), 1U);
    EXPECT_EQ(good(store().counters()).front().next, 7U);
}

TEST_F(Wallet, ForgetsOlderCountersWhereTheSeedIsNew)
{
    good(store().add_restored_proofs({}, {"00aa", 7}));
    good(store().use_seed("one", SeedAge::made_now));
    EXPECT_TRUE(good(store().counters()).empty());
}

TEST_F(Wallet, PutsRestoredProofsWithTheirCounter)
{
    add({found("p1")});
    const std::vector<WalletProof> proofs{found("p1"), found("p2")};
    EXPECT_EQ(good(store().add_restored_proofs(proofs, {"00aa", 12})), 1U);
    EXPECT_EQ(good(store().add_restored_proofs(proofs, {"00aa", 5})), 0U);
    EXPECT_EQ(good(store().counters()).front().next, 12U);
    EXPECT_EQ(unpublished(), (Texts{"p1", "p2"}));
}

TEST_F(Wallet, NoticesWhatWasSpentElsewhere)
{
    add({found("p1"), found("p2")});
    EXPECT_EQ(good(store().mark_spent_elsewhere(ys({"p1", "unknown"}))), 1U);
    EXPECT_EQ(good(store().mark_spent_elsewhere(ys({"p1"}))), 0U);
    EXPECT_EQ(good(store().wallet_proofs(ProofState::spent_elsewhere)).front().proof.secret, "p1");
    EXPECT_EQ(good(store().wallet_proofs(ProofState::unspent)).front().proof.secret, "p2");
}

TEST_F(Wallet, DoesNotCallItsOwnRefundsSpentElsewhere)
{
    const auto id = redeemed(order(1, {"a"}), 0);
    good(store().begin_refund(id, refund({"proof0"})));
    EXPECT_EQ(good(store().mark_spent_elsewhere(ys({"proof0"}))), 0U);
    EXPECT_EQ(good(store().wallet_proofs(ProofState::refunding)).size(), 1U);
}

TEST_F(Wallet, PublishesProofsOfOneMintOldestFirst)
{
    add({found("p1", "https://one"), found("q1", "https://two"), found("p2", "https://one"),
         found("p3", "https://one")});
    EXPECT_EQ(unpublished(2), (Texts{"p1", "p2"}));
    EXPECT_EQ(unpublished(), (Texts{"p1", "p2", "p3"}));
    const auto token = event("token");
    good(store().record_token_event(token.id, ys({"p1", "p2", "p3"}), std::span(&token, 1)));
    EXPECT_EQ(unpublished(), (Texts{"q1"}));
    EXPECT_EQ(good(store().wallet_proofs(ProofState::unspent)).front().token_event, token.id);
    EXPECT_EQ(good(store().outbox(relays_, 10)).size(), 1U);
}

TEST_F(Wallet, DoesNotTellOfAProofThatIsNoLongerUnspent)
{
    add({found("p1"), found("p2")});
    good(store().mark_spent_elsewhere(ys({"p2"})));
    const auto token = event("token");
    EXPECT_EQ(reason(store().record_token_event(token.id, ys({"p1", "p2"}), std::span(&token, 1))), Reason::bad_step);
    EXPECT_EQ(unpublished(), (Texts{"p1"}));
    EXPECT_TRUE(good(store().outbox(relays_, 10)).empty());
}

TEST_F(Wallet, ReplacesTokenEventsThatHoldSpentProofs)
{
    add({found("p1"), found("p2"), found("p3")});
    const auto old = event("old");
    good(store().record_token_event(old.id, ys({"p1", "p2", "p3"}), std::span(&old, 1)));
    EXPECT_TRUE(good(store().stale_token_events(10)).empty());
    good(store().mark_spent_elsewhere(ys({"p2"})));
    EXPECT_EQ(good(store().stale_token_events(10)), std::vector{old.id});

    const auto renewed = event("renewed");
    good(store().replace_token_events({{old.id}, renewed.id, ys({"p1"})}, std::span(&renewed, 1)));
    EXPECT_TRUE(good(store().stale_token_events(10)).empty());
    EXPECT_EQ(unpublished(), (Texts{"p3"})); // left out of the new one: told with the next
    EXPECT_EQ(good(store().outbox(relays_, 10)).size(), 2U);
    good(store().mark_spent_elsewhere(ys({"p1"})));
    good(store().replace_token_events({{renewed.id}, std::nullopt, {}}, {}));
    EXPECT_TRUE(good(store().stale_token_events(10)).empty());
}

TEST_F(Outbox, OffersAnEventUntilEveryRelayHasIt)
{
    const std::vector events{event("one"), event("two")};
    good(store().put_outbox(events));
    good(store().put_outbox(std::span(events).first(1))); // again: as it was
    good(store().settle_outbox(events[0].id, "wss://a"));
    good(store().settle_outbox(events[0].id, "wss://a"));
    auto waiting = good(store().outbox(relays_, 10));
    ASSERT_EQ(waiting.size(), 2U);
    EXPECT_EQ(waiting[0].id, events[0].id);
    EXPECT_EQ(waiting[0].done_relays, (Texts{"wss://a"}));
    EXPECT_EQ(waiting[0].json, protocol::encode_event(events[0]));
    EXPECT_EQ(good(store().outbox(relays_, 1)).size(), 1U);
    good(store().settle_outbox(events[0].id, "wss://b"));
    open();
    waiting = good(store().outbox(relays_, 10));
    ASSERT_EQ(waiting.size(), 1U);
    EXPECT_EQ(waiting[0].id, events[1].id);
    const Texts more{"wss://a", "wss://b", "wss://new"};
    EXPECT_EQ(good(store().outbox(more, 10)).size(), 2U);
}

TEST_F(Outbox, ForgetsWhatArrivedAndWhatIsTooOld)
{
    const auto arrived = event("arrived");
    good(store().put_outbox(std::span(&arrived, 1)));
    for (const auto& relay : relays_) good(store().settle_outbox(arrived.id, relay));
    const auto old = event("old");
    good(store().put_outbox(std::span(&old, 1)));
    good(store().settle_outbox(old.id, "wss://a"));
    clock_.advance(1h);
    const auto young = event("young");
    good(store().put_outbox(std::span(&young, 1)));

    good(store().prune_outbox({}, UnixSeconds(0))); // by no relays, nothing has arrived
    EXPECT_EQ(good(store().outbox({{"wss://other"}}, 10)).size(), 3U);
    good(store().prune_outbox(relays_, UnixSeconds(0)));
    EXPECT_EQ(good(store().outbox({{"wss://other"}}, 10)).size(), 2U);
    good(store().prune_outbox(relays_, clock_.now()));
    const auto left = good(store().outbox({{"wss://other"}}, 10));
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].id, young.id);
    good(store().settle_outbox(old.id, "wss://b")); // an answer that came too late
}

} // namespace
} // namespace adit::store
