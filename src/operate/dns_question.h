// operate/dns_question.h - whether a name server answers at all. RFC 1035
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/time.h"

#include <optional>
#include <string>

namespace adit::operate {

/// The question for the A records of "example.com", which every resolver of the internet can answer.
Bytes encode_dns_question(std::uint16_t id);
/// Whether that is a resolver's yes to the question (or that there is no such name), by its header alone.
bool is_dns_answer(std::span<const std::uint8_t> packet, std::uint16_t id);

/// Asks over UDP, from the calling thread's network namespace, again every second. Blocking, for `limit` at most. None:
/// no answer.
std::optional<Milliseconds> ask_for_a_name(const std::string& server, Milliseconds limit, Rng& rng);

} // namespace adit::operate
