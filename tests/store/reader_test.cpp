#include "shelf.h"

#include <latch>
#include <thread>

namespace adit::store {
namespace {

class Reads : public StoreTest {};

TEST_F(Reads, WaitForNoCommitAndSeeOnlyWhatIsDurable)
{
    std::latch at_commit(1);
    std::latch go(1);
    open({.before_commit =
              [&](auto) {
                  at_commit.count_down();
                  go.wait();
                  return Fate::lives;
              },
          .after_commit = {}});
    std::thread writing([&] { good(store().set_fact("a", "1")); });
    at_commit.wait();
    EXPECT_EQ(good(store().fact("a")), std::nullopt);
    go.count_down();
    writing.join();
    EXPECT_EQ(good(store().fact("a")), "1");
}

TEST_F(Reads, TellNothingOfAStoreThatHasStopped)
{
    open({.before_commit = {}, .after_commit = [](auto) { return Fate::dies; }});
    EXPECT_EQ(reason(store().set_fact("a", "1")), Reason::store_unavailable);
    EXPECT_EQ(reason(store().fact("a")), Reason::store_unavailable);
    open();
    EXPECT_EQ(good(store().fact("a")), "1");
}

TEST_F(Reads, SeeEachStepOnceItWasAnswered)
{
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([this, t] {
            const std::string name = "fact" + std::to_string(t);
            for (int i = 0; i < 25; ++i) {
                good(store().set_fact(name, std::to_string(i)));
                EXPECT_EQ(good(store().fact(name)), std::to_string(i));
            }
        });
    for (auto& thread : threads) thread.join();
}

} // namespace
} // namespace adit::store
