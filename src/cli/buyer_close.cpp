// Ending a tunnel early: the operator is asked until it has answered for good, and what it gives back is in the
// purchase file before anything else is done with it.
#include "base/crash_point.h"
#include "cli/buyer.h"
#include "cli/printable.h"
#include "protocol/purchase_auth.h"

namespace adit::cli {

namespace {

constexpr Milliseconds kCloseTimeout{60'000}; // it may wait for its mint
constexpr Milliseconds kAskAgainAfter{2'000};
constexpr Milliseconds kAskAgainMost{30'000};

} // namespace

Result<Sat> Buyer::close(Record& record)
{
    if (record.lightning)
        return Error{Reason::bad_request, "it was paid over Lightning, where nobody signs: the operator could not tell "
                                          "who asks"};
    if (!record.tunnel) return Error{Reason::bad_request, "there is no tunnel to close"};
    if (record.tunnel->session_url.empty())
        return Error{Reason::bad_request, "the operator gave no session to close: the tunnel is another buyer's too"};

    const SteadyTime began = parts_.clock.steady();
    for (;;) {
        parts_.reporter.progress("closing the tunnel");
        const auto event = protocol::sign_event(
            protocol::close_auth_draft(parts_.clock.now(), record.offer.server, record.offer.listing), record.keys.auth,
            parts_.rng);
        crash_point("close_before_request");
        const auto reply = parts_.http.call({"POST",
                                             record.tunnel->session_url + "/close",
                                             "{}",
                                             {{"Authorization", protocol::encode_auth_header(event)}},
                                             kCloseTimeout});
        crash_point("close_after_request");
        Milliseconds wait = kAskAgainAfter;
        std::string why;
        if (!reply) {
            why = "the operator does not answer (" + reply.error().detail + ")";
        } else {
            if (reply->retry_after) wait = std::min(Milliseconds(*reply->retry_after), kAskAgainMost);
            const auto answer = protocol::parse_close_answer(reply->status, reply->body);
            if (!answer) {
                why = "the operator said yes in words that can not be understood";
            } else if (const auto* closed = std::get_if<protocol::Closed>(&*answer)) {
                for (const std::string& token : closed->refunds) add_coin(record, Coin::Kind::refund, token);
                TRY(save(record));
                return closed->refunded;
            } else {
                const auto& refused = std::get<protocol::Refused>(*answer);
                why = "the operator refuses with " + std::to_string(refused.http_status) + " " +
                      printable(refused.word, 64) + ": " + printable(refused.message, 500);
                if (refused.http_status < 500 && refused.http_status != 429) return Error{Reason::policy, why};
            }
        }
        if (!patient(began, parts_.patience.silence)) return Error{Reason::mint_unreachable, why};
        parts_.reporter.progress(why + "; asking again");
        parts_.reporter.pause(wait);
    }
}

} // namespace adit::cli
