// http/request_reader.h - bytes to requests, without sockets or clocks: what a connection has been sent so far.
#pragma once

#include "http/message.h"

#include <cstdint>

namespace adit::http {

/// Strict where a lax reading could be another than a proxy's: bare LF, folded lines, NUL, both Content-Length and
/// Transfer-Encoding, codings other than chunked, a missing or second Host are all 400.
class RequestReader {
public:
    struct Limits {
        std::size_t header_bytes;
        std::size_t body_bytes;
    };
    /// `complete`: take() it; what came after it waits. `refused`: nothing more is read from this client.
    enum class State { header, body, complete, refused };
    struct Refusal {
        int status = 0;
        std::string_view reason = {};
        std::string_view message = {};
    };

    explicit RequestReader(Limits limits) : limits_(limits) {}

    State feed(std::string_view bytes);
    State state() const { return state_; }
    /// Only when complete; the reader then goes on with the bytes that came after (see state()).
    Request take();
    /// Only when refused: 400, 413 or 431.
    const Refusal& refusal() const { return refusal_; }

    /// Forgets what it holds; nothing more is read from this client.
    void drop();

    /// True once per request: the header is here, the body is not, and the client waits for "100 Continue".
    bool take_continue();
    /// Of the request that is complete; ask before take().
    bool keep_alive() const { return keep_alive_; }
    bool http_1_0() const { return http_1_0_; }
    /// Some of the next request is here.
    bool begun() const { return state_ != State::header || !in_.empty(); }
    /// Bytes of memory that hold what was sent and not taken.
    std::size_t held() const;

private:
    enum class Framing { none, length, chunked };
    enum class Chunk { size, extension, size_end, content, content_cr, content_lf, trailer, trailer_lf };

    State refuse(int status, std::string_view reason, std::string_view message);
    void keep(std::string_view bytes);
    State read_header();
    State parse_header(std::size_t length);
    bool read_target(std::string_view target);
    bool check_fields();
    std::size_t read_body(std::string_view bytes);
    std::size_t read_chunked(std::string_view bytes);
    bool read_chunk_size_digit(char c);

    const Limits limits_;
    State state_ = State::header;
    std::string in_; // not yet read: the header so far, or what came after a complete request
    std::size_t scanned_ = 0;
    std::size_t line_ = 0; // where the line being scanned begins
    unsigned empty_lines_ = 0;
    Request request_;
    std::size_t request_bytes_ = 0;
    Refusal refusal_;

    Framing framing_ = Framing::none;
    std::uint64_t remaining_ = 0; // of the body, or of the chunk
    Chunk chunk_ = Chunk::size;
    unsigned size_digits_ = 0;
    std::size_t framing_bytes_ = 0; // chunk sizes, extensions and trailers, which are read over
    std::size_t trailer_line_ = 0;
    bool expects_continue_ = false;
    bool keep_alive_ = false;
    bool http_1_0_ = false;
};

} // namespace adit::http
