#include "app/closings.h"

#include "base/log.h"
#include "protocol/purchase_auth.h"
#include "protocol/purchase_body.h"

#include <algorithm>

namespace adit::app {

namespace {

constexpr const char* kTryAgainAfter_s = "5";

http::Response refusal(const Error& error)
{
    const protocol::ReasonInfo info = protocol::reason_info(error.reason);
    http::Response response{info.http_status, {}, "application/json", protocol::encode_refused(error.reason)};
    if (info.http_status == 503) response.headers.emplace_back("Retry-After", kTryAgainAfter_s);
    return response;
}

Result<protocol::Event> signed_event(const http::Request& request)
{
    const auto header = request.header("authorization");
    if (!header) return Error{Reason::bad_auth, "no Authorization header"};
    protocol::Event event = TRY(protocol::parse_auth_header(*header));
    TRY(protocol::verify(event));
    return event;
}

} // namespace

http::Response Closings::serve(const http::Request& request)
{
    auto response = run(request);
    if (response) return std::move(*response);
    log_debug("close_refused",
              {{"reason", protocol::reason_info(response.error().reason).word}, {"detail", response.error().detail}});
    return refusal(response.error());
}

/// As for a purchase, the books are asked first: what is closed is answered for whatever time and config have become.
Result<http::Response> Closings::run(const http::Request& request)
{
    const protocol::Event event = TRY(signed_event(request));
    const auto session = TRY(parts_.store.session_by_id(request.parameter("id").value_or("")));
    if (!session) return Error{Reason::not_found, "no such session"};
    const auto is_theirs = [&](const store::SessionGrant& grant) { return grant.auth_key == event.pubkey; };

    const auto grants = TRY(parts_.store.grants_of(session->row));
    if (std::ranges::none_of(grants, is_theirs)) return Error{Reason::not_yours, "bought by other keys"};
    const bool any_left = session->live && std::ranges::any_of(grants, [&](const store::SessionGrant& grant) {
                              return is_theirs(grant) && grant.state == session::State::active;
                          });
    if (any_left) {
        TRY(judge(event));
        if (!parts_.shop.config.sessions.refunds) return Error{Reason::no_refunds, "[sessions].refunds is off"};
        const CloseTerms terms{.which = is_theirs,
                               .percent = 100 - parts_.shop.config.sessions.refund_fee_percent,
                               .by = store::ClosedBy::buyer};
        const auto closed = parts_.refunds.close(session->row, terms);
        // Who came first with another request, or the end of the session, has settled it.
        if (!closed && closed.error().reason != Reason::not_found && closed.error().reason != Reason::session_ended)
            return closed.error();
    }
    return answer(session->row, event.pubkey);
}

Result<void> Closings::judge(const protocol::Event& event) const
{
    return protocol::check_close_auth(event,
                                      {parts_.clock.now(), parts_.shop.config.server.public_host,
                                       parts_.shop.operator_key, parts_.shop.config.listing.d_tag, parts_.shop.tiers});
}

/// The one place where an answer is made, from rows that do not change any more. Errors: session_ended (it ran out, and
/// nothing was left), refund_pending.
Result<http::Response> Closings::answer(std::int64_t session, const protocol::PublicKey& key)
{
    std::vector<store::RefundId> ids;
    for (const store::SessionGrant& grant : TRY(parts_.store.grants_of(session)))
        if (grant.auth_key == key && grant.refund) ids.push_back(*grant.refund);
    if (ids.empty()) return Error{Reason::session_ended, "it ran out"};
    std::ranges::sort(ids);
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());

    protocol::Closed closed;
    for (const store::RefundId id : ids) {
        const store::Refund refund = TRY(parts_.refunds.settle(id));
        closed.refunded = sum(closed.refunded, refund.amount).value_or(closed.refunded);
        if (refund.token) closed.refunds.push_back(*refund.token);
    }
    return http::Response{200, {}, "application/json", protocol::encode_closed(closed)};
}

} // namespace adit::app
