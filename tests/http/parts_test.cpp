// The router, the responder, the response's bytes, and the limiter: each alone.
#include "base/clock.h"
#include "http/limits.h"
#include "http/response_text.h"
#include "http/router.h"

#include <gtest/gtest.h>
#include <thread>

namespace adit::http {
namespace {

Router some_routes()
{
    Router router;
    const auto none = [](const Request&, const Responder&) {};
    router.add("GET", "/", none);
    router.add("GET", "/session/{id}", none);
    router.add("POST", "/session/{id}", none);
    router.add("GET", "/lnurlp/verify/{payment_hash}", none);
    router.add("POST", "/purchase", none);
    return router;
}

TEST(Router, AParameterMatchesOneWholeSegment)
{
    const Router router = some_routes();
    const auto match = router.find("GET", "/session/a%20b%2Fc");
    ASSERT_EQ(match.outcome, Router::Outcome::found);
    EXPECT_EQ(match.parameters, (Pairs{{"id", "a b/c"}}));
    EXPECT_EQ(router.find("GET", "/").outcome, Router::Outcome::found);
    for (const auto path : {"/session", "/session/", "/session/a/b", "/sessions/a", "/purchase/", "//", "*", ""})
        EXPECT_EQ(router.find("GET", path).outcome == Router::Outcome::found, std::string_view(path).empty()) << path;
}

TEST(Router, AnotherMethodIsToldWhatThePathTakes)
{
    const Router router = some_routes();
    const auto match = router.find("DELETE", "/session/x");
    EXPECT_EQ(match.outcome, Router::Outcome::method_not_allowed);
    EXPECT_EQ(match.allow, "GET, HEAD, POST, OPTIONS");
    EXPECT_EQ(router.find("GET", "/purchase").allow, "POST, OPTIONS");
    EXPECT_EQ(router.find("HEAD", "/session/x").outcome, Router::Outcome::found);
    EXPECT_EQ(router.find("HEAD", "/purchase").outcome, Router::Outcome::method_not_allowed);
}

TEST(Router, ABrokenEscapeInAParameterIsNotAPath)
{
    const Router router = some_routes();
    for (const auto path : {"/session/%", "/session/%4", "/session/%zz", "/session/%00", "/session/%ff"})
        EXPECT_EQ(router.find("GET", path).outcome, Router::Outcome::bad_encoding) << path;
}

TEST(Responder, TheFirstAnswerCounts)
{
    std::vector<int> statuses;
    const Responder responder([&](const Response& response) { statuses.push_back(response.status); });
    const Responder copy = responder;
    responder.send({201});
    copy.send({202});
    EXPECT_EQ(statuses, std::vector{201});
}

TEST(Responder, TheLastCopyThatDiesUnansweredSaysBusy)
{
    std::vector<Response> answers;
    {
        auto first = std::make_unique<Responder>([&](Response response) { answers.push_back(std::move(response)); });
        const Responder second = *first;
        first.reset();
        EXPECT_TRUE(answers.empty());
    }
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].status, 503);
    EXPECT_NE(answers[0].body.find("\"reason\":\"busy\""), std::string::npos);
}

TEST(ErrorResponse, EscapesWhatJsonWants)
{
    EXPECT_EQ(
        error_response(400, "bad-request", "a \"b\" \\ \n\x01 \xC3\xA9").body,
        "{\"status\":\"error\",\"reason\":\"bad-request\",\"message\":\"a \\\"b\\\" \\\\ \\u000a\\u0001 \xC3\xA9\"}");
}

TEST(ResponseText, AHeaderValueCannotStartAnotherHeader)
{
    const std::string text = response_text({200, {{"X-A", "b\r\nSet-Cookie: c"}}, "text/plain", "hi"},
                                           Persistence::keep_alive, Content::sent);
    EXPECT_NE(text.find("X-A: b  Set-Cookie: c\r\n"), std::string::npos);
    EXPECT_EQ(text.find("\nSet-Cookie"), std::string::npos);
    EXPECT_TRUE(text.ends_with("\r\n\r\nhi"));
}

TEST(ResponseText, TheAnswerToHeadHasTheLengthButNotTheBody)
{
    const std::string text = response_text({200, {}, "text/plain", "four"}, Persistence::close, Content::left_out);
    EXPECT_NE(text.find("Content-Length: 4\r\n"), std::string::npos);
    EXPECT_NE(text.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(ResponseText, OnlyAnswersForEverybodyMayBeReadByPagesOfTheWeb)
{
    const auto text = [](Cors cors) {
        return response_text({200, {}, "text/plain", "x"}, Persistence::close, Content::sent, cors);
    };
    EXPECT_NE(text(Cors::everybody).find("Access-Control-Allow-Origin: *\r\n"), std::string::npos);
    EXPECT_EQ(text(Cors::nobody).find("Access-Control"), std::string::npos);
}

TEST(ResponseText, A204HasNeitherBodyNorLength)
{
    const std::string text = response_text({204, {}, "text/plain", "x"}, Persistence::keep_alive, Content::sent);
    EXPECT_EQ(text.find("\r\nContent-"), std::string::npos);
    EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

const SteadyTime kStart = system_clock().steady();

TEST(SourceLimiter, ABurstIsAllowedAndThenTheRefill)
{
    SourceLimiter limiter({.burst = 3, .refill = Milliseconds(100), .sources = 10});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(limiter.take("a", kStart));
    EXPECT_FALSE(limiter.take("a", kStart));
    EXPECT_EQ(limiter.wait("a", kStart), Milliseconds(100));
    EXPECT_FALSE(limiter.take("a", kStart + Milliseconds(99)));
    EXPECT_TRUE(limiter.take("a", kStart + Milliseconds(100)));
    EXPECT_FALSE(limiter.take("a", kStart + Milliseconds(150)));
    EXPECT_TRUE(limiter.take("b", kStart));
}

TEST(SourceLimiter, ALongPauseFillsTheBucketButNotMore)
{
    SourceLimiter limiter({.burst = 2, .refill = Milliseconds(10), .sources = 10});
    EXPECT_TRUE(limiter.take("a", kStart));
    const SteadyTime later = kStart + Seconds(1'000'000);
    EXPECT_TRUE(limiter.take("a", later, 2));
    EXPECT_FALSE(limiter.take("a", later));
    EXPECT_FALSE(limiter.take("c", later, 3)) << "more than a bucket ever holds";
}

TEST(SourceLimiter, AskingInVainDoesNotDelayTheRefill)
{
    SourceLimiter limiter({.burst = 1, .refill = Milliseconds(100), .sources = 10});
    EXPECT_TRUE(limiter.take("a", kStart));
    for (int i = 1; i < 100; ++i) EXPECT_FALSE(limiter.take("a", kStart + Milliseconds(i)));
    EXPECT_TRUE(limiter.take("a", kStart + Milliseconds(100)));
}

TEST(SourceLimiter, MemoryIsBoundedByForgettingWhoAskedLongestAgo)
{
    SourceLimiter limiter({.burst = 1, .refill = Seconds(1000), .sources = 3});
    for (const auto source : {"a", "b", "c"}) EXPECT_TRUE(limiter.take(source, kStart));
    EXPECT_FALSE(limiter.take("a", kStart)); // asked last now
    EXPECT_TRUE(limiter.take("d", kStart));  // forgets b
    EXPECT_EQ(limiter.remembered(), 3U);
    EXPECT_FALSE(limiter.take("a", kStart));
    EXPECT_TRUE(limiter.take("b", kStart));
}

TEST(SourceLimiter, AnUnknownSourceIsNotLimitedHere)
{
    SourceLimiter limiter({.burst = 1, .refill = Seconds(1), .sources = 1});
    EXPECT_TRUE(limiter.take("", kStart));
    EXPECT_TRUE(limiter.take("", kStart));
    EXPECT_EQ(limiter.remembered(), 0U);
}

TEST(SourceLimiter, ManyThreadsTakeNoMoreThanThereIs)
{
    SourceLimiter limiter({.burst = 100, .refill = Seconds(1000), .sources = 10});
    std::atomic<int> taken{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i)
                if (limiter.take("a", kStart)) ++taken;
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(taken, 100);
}

} // namespace
} // namespace adit::http
