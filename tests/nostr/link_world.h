// tests/nostr/link_world.h - a relay link without sockets: a transport that records, a clock that stands, seeded dice.
#pragma once

#include "nostr/relay_link.h"

#include <deque>
#include <nlohmann/json.hpp>

namespace adit::nostr {

class StoppedClock final : public Clock {
public:
    UnixSeconds now() const override { return UnixSeconds(1'800'000'000) + wall(); }
    SteadyTime steady() const override { return SteadyTime(std::chrono::hours(1)) + passed_; }
    void pass(Milliseconds time) { passed_ += time; }

private:
    Seconds wall() const { return std::chrono::floor<Seconds>(passed_); }
    Milliseconds passed_{0};
};

class SeededRng final : public Rng {
public:
    explicit SeededRng(std::uint64_t seed) : state_(seed) {}
    void fill(std::span<std::uint8_t> out) override
    {
        for (auto& byte : out) {
            state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
            byte = static_cast<std::uint8_t>(state_ >> 56U);
        }
    }

private:
    std::uint64_t state_;
};

/// The far end of a link, played by the test.
class FakeTransport final : public Transport {
public:
    void open() override
    {
        ++opens;
        is_open = true;
    }
    bool send(std::string text) override
    {
        if (jammed) return false;
        sent.push_back(std::move(text));
        return true;
    }
    void ping() override { ++pings; }
    void close() override
    {
        is_open = false;
        ++closes;
    }

    /// The next message of ours, or null when there is none.
    nlohmann::json next()
    {
        if (sent.empty()) return nullptr;
        auto message = nlohmann::json::parse(sent.front());
        sent.pop_front();
        return message;
    }

    std::deque<std::string> sent;
    int opens = 0;
    int closes = 0;
    int pings = 0;
    bool is_open = false;
    bool jammed = false;
};

struct LinkWorld {
    explicit LinkWorld(LinkLimits limits = {}, bool with_key = true)
        : link(parse_relay_url("wss://relay.example").value(), transport, clock, rng, with_key ? &key : nullptr, limits)
    {
    }

    void connect()
    {
        link.start();
        link.transport_opened();
    }
    void reconnect()
    {
        const auto at = link.wakes_at();
        CHECK(at.has_value());
        pass(std::chrono::ceil<Milliseconds>(*at - clock.steady()));
        link.transport_opened();
    }
    void pass(Milliseconds time)
    {
        clock.pass(time);
        link.on_time();
    }
    void hear(const nlohmann::json& message) { link.transport_message(message.dump()); }
    void hear_event(const std::string& subscription, const protocol::Event& event)
    {
        link.transport_message("[\"EVENT\",\"" + subscription + "\"," + protocol::encode_event(event) + "]");
    }
    protocol::Event event(std::string content, std::uint32_t kind = 1)
    {
        return protocol::sign_event({clock.now(), kind, {}, std::move(content)}, author, rng);
    }
    /// Publishes; what came of it ends in `outcomes`.
    protocol::Event publish(std::string content, Milliseconds patience = Milliseconds(60'000))
    {
        auto made = event(std::move(content));
        auto text = protocol::encode(protocol::ToRelay(protocol::to_relay::Publish{made}));
        link.publish(made.id, std::make_shared<const std::string>(std::move(text)), clock.steady() + patience,
                     [this](PublishOutcome outcome) { outcomes.push_back(std::move(outcome)); });
        return made;
    }
    RelayLink::Subscriber recorder()
    {
        RelayLink::Subscriber out;
        out.on_event = [this](const protocol::Event& got) { contents.push_back(got.content); };
        out.on_complete = [this] { ++completes; };
        out.on_refused = [this](const std::string& why) { refusals.push_back(why); };
        out.on_lost = [this](const std::string& why) { losses.push_back(why); };
        return out;
    }
    static std::vector<protocol::Filter> notes()
    {
        protocol::Filter filter;
        filter.kinds = std::vector<std::uint32_t>{1};
        return {filter};
    }
    /// The id under which our last REQ, which must be next, went out.
    std::string requested()
    {
        const auto request = transport.next();
        return request.is_array() && request.at(0) == "REQ" ? request.at(1).get<std::string>() : "not a REQ";
    }

    StoppedClock clock;
    SeededRng rng{7};
    protocol::SecretKey key = protocol::SecretKey::generate(rng);
    protocol::SecretKey author = protocol::SecretKey::generate(rng);
    FakeTransport transport;
    RelayLink link;
    std::vector<PublishOutcome> outcomes;
    std::vector<std::string> contents;
    int completes = 0;
    std::vector<std::string> refusals;
    std::vector<std::string> losses;
};

} // namespace adit::nostr
