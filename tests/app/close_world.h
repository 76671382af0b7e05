// tests/app/close_world.h - a shop that gives back what is unused, and buyers who close.
#pragma once

#include "app/books.h"
#include "app/crash_moods.h"
#include "protocol/constants.h"

namespace adit::app {

class CloseWorld : public ShopWorld {
public:
    explicit CloseWorld(Options options = {}) : ShopWorld(std::move(options))
    {
        config.sessions.refunds = true;
        config.sessions.refund_fee_percent = 10;
    }

    protocol::EventDraft close_draft() const
    {
        return protocol::close_auth_draft(
            clock.now(), config.server.public_host,
            {protocol::kKindListing, config.nostr.key.public_key(), config.listing.d_tag});
    }
    http::Request close_request(const std::string& id, const protocol::EventDraft& draft,
                                const protocol::SecretKey& key)
    {
        http::Request request;
        request.method = "POST";
        request.path = "/session/" + id + "/close";
        request.parameters = {{"id", id}};
        request.headers = {{"authorization", protocol::encode_auth_header(protocol::sign_event(draft, key, rng))}};
        request.source = "198.51.100.7";
        return request;
    }
    http::Request close_request(const std::string& id, const protocol::SecretKey& key)
    {
        return close_request(id, close_draft(), key);
    }
    http::Response send(const http::Request& request) { return process->closings->serve(request); }
    /// Until there is an answer for good, with time passing and the background at work.
    http::Response insist_on(const http::Request& request)
    {
        for (int i = 0; i < 200; ++i) {
            http::Response response = send(request);
            if (response.status < 500) return response;
            work_on();
        }
        ADD_FAILURE() << "no answer for good";
        return {};
    }
    /// Ten seconds of the background.
    void work_on()
    {
        clock.pass(Seconds(10));
        process->tunnels->step();
        process->transfer_keeper->step();
        process->refunds->step();
    }
    static protocol::Closed closed(const http::Response& response)
    {
        EXPECT_EQ(response.status, 200) << response.body;
        const auto parsed = protocol::parse_close_answer(response.status, response.body);
        EXPECT_TRUE(parsed.has_value());
        const auto* answer = parsed ? std::get_if<protocol::Closed>(&*parsed) : nullptr;
        return answer ? *answer : protocol::Closed{};
    }
    static std::string word(const http::Response& response)
    {
        const auto parsed = protocol::parse_close_answer(response.status, response.body);
        const auto* answer = parsed ? std::get_if<protocol::Refused>(&*parsed) : nullptr;
        return answer ? answer->word : "";
    }
    std::string id_of(const protocol::WireguardKey& key)
    {
        const auto live = process->store->live_session(key);
        return live && *live ? (*live)->session.id : "";
    }
    std::int64_t row_of(const protocol::WireguardKey& key)
    {
        const auto live = process->store->live_session(key);
        return live && *live ? (*live)->session.row : 0;
    }
    bool books_balance()
    {
        const auto rows = process->store->books(worth_of_token);
        if (!rows) return false;
        const Audit all = audit(*rows);
        for (const std::string& fault : all.faults) ADD_FAILURE() << fault;
        return all.balanced();
    }
};

} // namespace adit::app
