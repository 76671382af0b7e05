// http/connection.h - what the server remembers of one connection, and when it has lasted long enough.
#pragma once

#include "http/request_reader.h"
#include "http/response_text.h"
#include "http/server.h"
#include "http/source.h"

namespace adit::http {

/// reading: of a request, or idle. handling: a handler has the request; nothing is read meanwhile, so that what a
/// client sends ahead stays with its kernel. lingering: all was said; the client may still be sending, and reads.
enum class Phase { reading, handling, writing, lingering };

constexpr Loop::Interest interest_in(Phase phase)
{
    switch (phase) {
    case Phase::reading:
    case Phase::lingering:
        return Loop::Interest::read;
    case Phase::handling:
        return Loop::Interest::none;
    case Phase::writing:
        return Loop::Interest::write;
    }
    return Loop::Interest::none;
}

struct Connection {
    Connection(std::uint64_t id_, int fd_, const Address& peer_, const Limits& limits)
        : id(id_), fd(fd_), peer(peer_), reader({limits.header_bytes, limits.body_bytes})
    {
    }

    const std::uint64_t id;
    const int fd;
    const Address peer;
    bool proxied = false;        // the peer is a trusted proxy
    std::string counted_as = {}; // its place in the per-source count; empty: none
    Phase phase = Phase::reading;
    RequestReader reader;
    std::size_t request_bytes = 0; // read since the request began
    std::size_t handled_bytes = 0; // of the request that a handler has
    bool any_request = false;      // one has been answered
    bool persistent = false;       // these three: as the request being answered wants it
    bool http_1_0 = false;
    bool head = false;
    bool refused = false;
    bool last = false; // close after this answer
    std::string out = {};
    std::size_t out_sent = 0;

    SteadyTime begun{};    // of what the phase is about: the idling, the request, the answer, the lingering
    SteadyTime progress{}; // the last byte either way
    Loop::Interest interest = Loop::Interest::read;
    bool waits = false; // is in the server's order of those without a complete request
    SteadyTime waiting_since{};
    SteadyTime timer_at{};
    Loop::TimerId timer = 0;
    std::size_t counted_bytes = 0;

    void begin_wait(SteadyTime at) { begun = progress = at; }
    void begin_request(SteadyTime at)
    {
        begun = progress = at;
        request_bytes = 0;
    }
    /// Takes it from the reader, and remembers how it wants to be answered.
    Request take_request();
    std::size_t held() const { return reader.held() + handled_bytes + (out.size() > 15 ? out.capacity() : 0); }
    /// When the connection is to be closed if nothing happens; none while a handler has the request.
    std::optional<SteadyTime> deadline(const Limits& limits) const;
};

} // namespace adit::http
