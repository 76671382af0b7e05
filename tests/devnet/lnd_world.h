// tests/devnet/lnd_world.h - the look-alike of LND without sockets, asked as its REST proxy would be.
#pragma once

#include "base/hash.h"
#include "devnet/lnd.h"
#include "devnet/recorded_reply.h"
#include "devnet/test_clock.h"
#include "fakes/seeded_rng.h"

#include <gtest/gtest.h>

namespace adit::devnet {

class LndWorld : public testing::Test {
protected:
    using json = nlohmann::json;
    using ReplyOf = std::shared_ptr<RecordedReply>; // shared with the look-alike

    ReplyOf ask(const std::string& method, const std::string& path, const std::string& body, const Bytes& macaroon)
    {
        http::Request request;
        request.method = method;
        request.path = path.substr(0, path.find('?'));
        if (path.find('?') != std::string::npos) {
            std::string rest = path.substr(path.find('?') + 1) + "&";
            for (std::size_t end = 0; (end = rest.find('&')) != std::string::npos; rest.erase(0, end + 1)) {
                const std::size_t equals = rest.find('=');
                request.query.emplace_back(rest.substr(0, equals), rest.substr(equals + 1, end - equals - 1));
            }
        }
        request.body = body;
        if (!macaroon.empty()) request.headers.emplace_back("grpc-metadata-macaroon", encode_hex(macaroon));
        auto reply = std::make_shared<RecordedReply>();
        lnd_.handle(request, reply);
        return reply;
    }
    ReplyOf get(const std::string& path) { return ask("GET", path, "", lnd_.admin_macaroon()); }
    ReplyOf post(const std::string& path, const json& body)
    {
        return ask("POST", path, body.dump(), lnd_.admin_macaroon());
    }
    json create(json more = json::object())
    {
        more.update({{"value", "21"}});
        const ReplyOf reply = post("/v1/invoices", more);
        EXPECT_EQ(reply->status(), 200) << reply->given->body;
        return reply->json();
    }
    json create_hold(const PaymentPreimage& preimage)
    {
        const ReplyOf reply = post("/v2/invoices/hodl", {{"hash", encode_base64(sha256(preimage))}, {"value", 21}});
        EXPECT_EQ(reply->status(), 200) << reply->given->body;
        return reply->json();
    }
    ReplyOf settle(const PaymentPreimage& preimage)
    {
        return post("/v2/invoices/settle", {{"preimage", encode_base64(preimage)}});
    }
    ReplyOf cancel(const PaymentPreimage& preimage)
    {
        return post("/v2/invoices/cancel", {{"payment_hash", encode_base64(sha256(preimage))}});
    }
    json look_up(ByteView hash) { return get("/v1/invoice/" + encode_hex(hash))->json(); }
    json look_up_made(const json& created) { return look_up(parse_base64(std::string(created["r_hash"])).value()); }
    ReplyOf follow(ByteView hash) { return get("/v2/invoices/subscribe/" + url_base64(hash)); }
    static std::string url_base64(ByteView bytes)
    {
        std::string text = encode_base64url(bytes);
        while (text.size() % 4 != 0) text += '=';
        return text;
    }
    void pay(const json& created) { EXPECT_FALSE(lightning_.pay(std::string(created["payment_request"])).refusal); }
    static std::vector<std::string> states(const ReplyOf& stream)
    {
        std::vector<std::string> all;
        for (const std::string& message : stream->messages) {
            EXPECT_EQ(message.back(), '\n');
            const json result = json::parse(message)["result"];
            all.push_back(result.contains("state") ? result["state"] : result["status"]);
        }
        return all;
    }
    static void expect_error(const ReplyOf& reply, int status, int code, const std::string& words)
    {
        ASSERT_EQ(reply->status(), status) << words;
        const json body = reply->json();
        EXPECT_EQ(body["code"], code);
        EXPECT_NE(std::string(body["message"]).find(words), std::string::npos) << body;
        EXPECT_EQ(body["details"], json::array());
        EXPECT_EQ(body.size(), 3U);
    }

    TestClock clock_;
    fakes::SeededRng rng_;
    Lightning lightning_{clock_, rng_};
    Lnd lnd_{lightning_, rng_};
};

} // namespace adit::devnet
