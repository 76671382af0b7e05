// The real daemon dies before and after every commit and every call of its Lightning backend: the invoice made and
// stored, stored and answered, paid and noticed, noticed and live, live and settled. It starts again; then payer, node
// and journal agree: who was charged has the tunnel that the config names, once.
#include "e2e/payer.h"
#include "e2e/trap.h"

#include "base/clock.h"

#include <nlohmann/json.hpp>

namespace adit::e2e {
namespace {

using devnet::Fault;
using devnet::FaultAct;
using devnet::FaultMoment;
using fakes::eventually;

struct NodeMood {
    const char* name;
    std::vector<Fault> faults;
};

Fault at_node(const std::string& endpoint, FaultAct act, FaultMoment moment)
{
    Fault fault;
    fault.endpoint = endpoint;
    fault.act = act;
    fault.moment = moment;
    fault.times = 1;
    return fault;
}

std::vector<NodeMood> node_moods(Pays pays)
{
    switch (pays) {
    case Pays::phoenixd:
        return {{"answers", {}},
                {"is silent when asked", {at_node("phoenixd.incoming", FaultAct::cut, FaultMoment::after)}}};
    case Pays::lnd:
        return {{"answers", {}}};
    case Pays::lnd_held:
        return {{"answers", {}},
                {"is silent before settling", {at_node("lnd.settle", FaultAct::cut, FaultMoment::before)}},
                {"is silent after settling", {at_node("lnd.settle", FaultAct::cut, FaultMoment::after)}}};
    }
    return {};
}

/// Paid or not, the payer ends with a tunnel for one hour, and has paid for it once.
void expect_sold_once(Shop& shop, Payer& payer, std::size_t sales)
{
    if (payer.answer.pr.empty()) {
        // The answer never came: nobody has seen that invoice, and the next one is sold.
        ASSERT_TRUE(payer.ask_invoice()) << payer.refusal();
    }
    payer.pay(); // a second time is refused by the payer's own node
    ASSERT_TRUE(payer.until_settled());
    nlohmann::json session;
    EXPECT_TRUE(eventually(Seconds(20), [&] {
        session = nlohmann::json::parse(shop.get(payer.session_path()).body, nullptr, false);
        return session.is_object() && session["status"] == "active";
    }));
    const auto left = session.value("expires_at", std::int64_t{0}) - system_clock().now().count();
    EXPECT_GT(left, 3500);
    EXPECT_LE(left, 3601) << "an hour was paid for, not two";
    EXPECT_TRUE(eventually(Seconds(5), [&] {
        return nlohmann::json::parse(shop.admin("status"))["sessions"] == sales;
    })) << "as many sessions as sales";
}

class LightningCrash : public testing::TestWithParam<Pays> {};
INSTANTIATE_TEST_SUITE_P(Backends, LightningCrash, testing::Values(Pays::phoenixd, Pays::lnd, Pays::lnd_held),
                         [](const auto& backend) {
                             return std::string(backend.param == Pays::phoenixd ? "phoenixd"
                                                : backend.param == Pays::lnd    ? "lnd"
                                                                                : "lnd_held");
                         });

TEST_P(LightningCrash, ASaleSurvivesAnyDeathWhateverTheNodeDoes)
{
    ADIT_NEEDS_CRASH_POINTS();
    Shop shop({.lightning = GetParam()});
    shop.start();
    const Trap trap(shop.folder);
    Deaths deaths;
    std::size_t sales = 0;
    const auto sell = [&](const NodeMood& mood, const std::string& at) {
        shop.world->faults().clear();
        shop.start(trap.environment(at));
        EXPECT_TRUE(trap.until_quiet(*shop.daemon));
        for (const Fault& fault : mood.faults) shop.world->faults().add(fault);
        trap.arm();
        Payer payer(shop);
        // The daemon may be gone at any of these, so nothing of them is expected yet.
        if (payer.try_invoice() && payer.pay()) trap.until_quiet(*shop.daemon);
        const bool lived = trap.until_quiet(*shop.daemon);
        auto passed = trap.passed();
        SCOPED_TRACE(std::string("the node ") + mood.name + (lived ? "; lived through " : "; died at ") + at);
        if (!lived) {
            deaths.note(passed.back());
            EXPECT_EQ(shop.daemon->ended_within(Milliseconds(5'000)), kDied);
        }
        shop.world->faults().clear();
        shop.start();
        expect_sold_once(shop, payer, ++sales);
        return passed;
    };
    for (const NodeMood& mood : node_moods(GetParam())) {
        at_every_point([&](const std::string& at) { return sell(mood, at); });
        if (HasFailure()) return;
    }
    deaths.print("a sale by Lightning");
    std::vector<const char*> steps{"reserve", "mark_open", "mark_active", "mark_settled"};
    if (GetParam() == Pays::lnd_held) steps.insert(steps.end(), {"mark_accepted", "mark_settling"});
    deaths.expect_steps(steps);
    EXPECT_TRUE(deaths.names.contains("lightning_before_call"));
    EXPECT_TRUE(deaths.names.contains("lightning_after_call"));
}

} // namespace
} // namespace adit::e2e
