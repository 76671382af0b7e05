// tests/devnet/recorded_reply.h - a BackendReply without a socket: what was said is kept.
#pragma once

#include "devnet/look_alike.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace adit::devnet {

class RecordedReply final : public BackendReply {
public:
    void answer(HttpAnswer answer) override { given = std::move(answer); }
    void stream(std::string_view message) override { messages.emplace_back(message); }
    void end() override { ended = true; }
    void upgrade(std::string_view protocol) override { upgraded = protocol; }
    void send_text(std::string_view text) override { messages.emplace_back(text); }
    bool is_open() const override { return !given && !ended && !gone; }

    int status() const { return given ? given->status : 0; }
    nlohmann::json json() const { return nlohmann::json::parse(given.value().body); }

    std::optional<HttpAnswer> given;
    std::vector<std::string> messages;
    std::optional<std::string> upgraded; // with the protocol agreed on
    bool ended = false;
    bool gone = false; // the client
};

} // namespace adit::devnet
