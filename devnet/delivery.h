// devnet/delivery.h - an HTTP answer, and how much of it reaches the client.
#pragma once

#include "devnet/faults.h"
#include "http/message.h"

namespace adit::devnet {

enum class Delivery {
    whole,
    dropped, // the connection closes without an answer
    cut,     // it closes in the middle of the answer
    never,   // it stays open, silent
};

struct HttpAnswer {
    int status = 200;
    std::string body = {};
    std::string_view content_type = "application/json";
    http::Pairs headers = {};
};

struct Outcome {
    Delivery delivery = Delivery::whole;
    HttpAnswer answer = {};
};

/// Whether a request that this fault strikes is acted on: acts that spoil a true answer have nothing to spoil without.
bool acts(const std::optional<Fault>& fault);
/// What the fault makes of an answer; without one, of the answer of a request that was not acted on. `rejection` is
/// what the act `reject` answers.
Outcome spoilt(const std::optional<Fault>& fault, HttpAnswer answer, HttpAnswer rejection);

} // namespace adit::devnet
