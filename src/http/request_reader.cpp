#include "http/request_reader.h"

#include "base/check.h"
#include "http/router.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <limits>

namespace adit::http {

namespace {

namespace beast = boost::beast::http;
using ErrorCode = boost::beast::error_code;

constexpr std::size_t kRequestLineBytes = std::size_t{16} * 1024;
constexpr std::size_t kFields = 128;
constexpr std::size_t kQueryPairs = 64;
constexpr std::size_t kFramingBytes =
    std::size_t{8} * 1024; // chunk sizes and trailers: 16 KiB in chunks of some bytes must fit
constexpr unsigned kChunkSizeDigits = 8;
constexpr unsigned kEmptyLines = 4;

std::string lowercase(boost::beast::string_view text)
{
    std::string out(text.data(), text.size());
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    return boost::beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

/// Beast's grammar for the request line and the fields, given a whole header block at once. The fields go straight into
/// our Request: Beast's own container keeps a value's length in 16 bits, and a token needs more.
class HeaderParser final : public beast::basic_parser<true> {
public:
    explicit HeaderParser(Request& request) : request_(request)
    {
        header_limit(std::numeric_limits<std::uint32_t>::max()); // the reader has counted already
        skip(true);                                              // the body is the reader's
    }

    bool http_1_0() const { return version_ == 10; }
    const std::string& target() const { return target_; }
    bool too_many_fields() const { return too_many_fields_; }

private:
    void on_request_impl(beast::verb, boost::beast::string_view method, boost::beast::string_view target, int version,
                         ErrorCode&) override
    {
        request_.method.assign(method.data(), method.size());
        target_.assign(target.data(), target.size());
        version_ = version;
    }
    void on_field_impl(beast::field, boost::beast::string_view name, boost::beast::string_view value,
                       ErrorCode& error) override
    {
        if (request_.headers.size() == kFields) {
            too_many_fields_ = true;
            error = beast::error::header_limit;
            return;
        }
        request_.headers.emplace_back(lowercase(name), std::string(value.data(), value.size()));
    }
    void on_response_impl(int, boost::beast::string_view, int, ErrorCode&) override {}
    void on_header_impl(ErrorCode&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, ErrorCode&) override {}
    std::size_t on_body_impl(boost::beast::string_view body, ErrorCode&) override { return body.size(); }
    void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, ErrorCode&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view body, ErrorCode&) override
    {
        return body.size();
    }
    void on_finish_impl(ErrorCode&) override {}

    Request& request_;
    std::string target_;
    int version_ = 0;
    bool too_many_fields_ = false;
};

bool read_query(std::string_view text, Pairs& query)
{
    while (!text.empty()) {
        const std::size_t end = text.find('&');
        const std::string_view pair = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (pair.empty()) continue;
        if (query.size() == kQueryPairs) return false;
        const std::size_t equals = pair.find('=');
        auto name = percent_decoded(pair.substr(0, equals), Plus::space);
        auto value = percent_decoded(equals == std::string_view::npos ? "" : pair.substr(equals + 1), Plus::space);
        if (!name || !value) return false;
        query.emplace_back(std::move(*name), std::move(*value));
    }
    return true;
}

} // namespace

RequestReader::State RequestReader::refuse(int status, std::string_view reason, std::string_view message)
{
    drop();
    refusal_ = {status, reason, message};
    return state_;
}

void RequestReader::drop()
{
    keep_alive_ = false;
    std::string().swap(in_);
    request_ = {};
    request_bytes_ = 0;
    state_ = State::refused;
}

RequestReader::State RequestReader::feed(std::string_view bytes)
{
    switch (state_) {
    case State::header:
        keep(bytes);
        return read_header();
    case State::body: {
        const std::size_t used = read_body(bytes);
        if (state_ == State::complete) keep(bytes.substr(used));
        return state_;
    }
    case State::complete:
        keep(bytes);
        return state_;
    case State::refused:
        return state_;
    }
    return state_;
}

Request RequestReader::take()
{
    CHECK(state_ == State::complete);
    Request taken = std::move(request_);
    request_ = {};
    request_bytes_ = 0;
    scanned_ = 0;
    line_ = 0;
    state_ = State::header;
    if (!in_.empty()) read_header();
    return taken;
}

bool RequestReader::take_continue()
{
    const bool wanted = state_ == State::body && expects_continue_;
    expects_continue_ = false;
    return wanted;
}

std::size_t RequestReader::held() const
{
    static const std::size_t kInside = std::string().capacity();
    return (in_.capacity() > kInside ? in_.capacity() : 0) + request_bytes_ +
           (request_.body.capacity() > kInside ? request_.body.capacity() : 0);
}

/// Grows by a quarter: std::string doubles, and a limit on what all connections hold would be spent on air.
void RequestReader::keep(std::string_view bytes)
{
    const std::size_t needed = in_.size() + bytes.size();
    if (needed > in_.capacity()) {
        std::string larger;
        larger.reserve(in_.empty() ? needed : needed + needed / 4);
        larger += in_;
        in_.swap(larger);
    }
    in_ += bytes;
}

/// Finds the end of the header, reading each byte once, and refuses early what Beast would take or wait for.
RequestReader::State RequestReader::read_header()
{
    const auto has_nul = [&](std::size_t end) {
        return std::memchr(in_.data() + scanned_, 0, end - scanned_) != nullptr;
    };
    for (;;) {
        const bool at_start = line_ == 0 && !in_.empty() && in_.front() != '\r';
        if (at_start && (in_.front() < 'A' || in_.front() > 'Z')) return refuse(400, "bad-request", "this is not HTTP");
        const std::size_t lf = in_.find('\n', scanned_);
        if (has_nul(std::min(lf, in_.size()))) return refuse(400, "bad-request", "the header has a NUL byte");
        if (lf == std::string::npos) break;
        if (line_ == 0 && lf > kRequestLineBytes)
            return refuse(431, "headers-too-large", "the request line and headers are too large");
        if (lf == 0 || in_[lf - 1] != '\r') return refuse(400, "bad-request", "a header line does not end in CR LF");
        scanned_ = lf + 1;
        if (lf - 1 == line_) {
            if (line_ != 0) return parse_header(scanned_);
            // RFC 9112 2.2: an empty line before the request line is ignored, but not for ever.
            if (++empty_lines_ > kEmptyLines) return refuse(400, "bad-request", "this is not HTTP");
            in_.erase(0, scanned_);
            scanned_ = 0;
            continue;
        }
        if (in_[line_] == ' ' || in_[line_] == '\t') return refuse(400, "bad-request", "a header line is folded");
        line_ = scanned_;
        if (line_ > limits_.header_bytes) break;
    }
    scanned_ = in_.size();
    if (in_.size() > limits_.header_bytes || (line_ == 0 && in_.size() > kRequestLineBytes))
        return refuse(431, "headers-too-large", "the request line and headers are too large");
    return state_;
}

RequestReader::State RequestReader::parse_header(std::size_t length)
{
    if (length > limits_.header_bytes)
        return refuse(431, "headers-too-large", "the request line and headers are too large");
    HeaderParser parser(request_);
    ErrorCode error;
    const std::size_t used = parser.put(boost::asio::const_buffer(in_.data(), length), error);
    if (parser.too_many_fields()) return refuse(431, "headers-too-large", "too many header fields");
    if (error || !parser.is_done() || used != length) return refuse(400, "bad-request", "the header is malformed");
    http_1_0_ = parser.http_1_0();
    keep_alive_ = parser.keep_alive();
    empty_lines_ = 0;
    if (!read_target(parser.target()) || !check_fields()) return state_;

    framing_ = Framing::none;
    if (parser.chunked()) {
        framing_ = Framing::chunked;
        chunk_ = Chunk::size;
        remaining_ = 0;
        size_digits_ = 0;
        framing_bytes_ = 0;
    } else if (const auto announced = parser.content_length(); announced && *announced > 0) {
        if (*announced > limits_.body_bytes) return refuse(413, "body-too-large", "the body is too large");
        framing_ = Framing::length;
        remaining_ = *announced;
        request_.body.reserve(*announced);
    }
    request_bytes_ = 0;
    for (const auto& [name, value] : request_.headers) request_bytes_ += name.size() + value.size();

    // A fresh string, so that the header's bytes are not held twice while the body comes.
    const std::string rest = std::exchange(in_, std::string()).substr(length);
    scanned_ = 0;
    line_ = 0;
    state_ = framing_ == Framing::none ? State::complete : State::body;
    expects_continue_ =
        !http_1_0_ && rest.empty() && equal_ignoring_case(request_.header("expect").value_or(""), "100-continue");
    return rest.empty() ? state_ : feed(rest);
}

bool RequestReader::read_target(std::string_view target)
{
    // RFC 9112 3.2.2: a server must take the absolute form too.
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!equal_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
        target.remove_prefix(scheme.size());
        const std::size_t path = target.find_first_of("/?");
        target = path == std::string_view::npos ? "/" : target.substr(path);
        break;
    }
    const std::size_t question = target.find('?');
    request_.path = target.substr(0, question);
    if (request_.path.empty()) request_.path = "/";
    const bool form = request_.path.front() == '/' || (request_.path == "*" && request_.method == "OPTIONS");
    if (!form || target.find('#') != std::string_view::npos) {
        refuse(400, "bad-request", "the request target is malformed");
        return false;
    }
    if (question != std::string_view::npos && !read_query(target.substr(question + 1), request_.query)) {
        refuse(400, "bad-request", "the query is malformed");
        return false;
    }
    return true;
}

/// Which of two would count, and for whom, must not be a question where money is involved.
bool RequestReader::check_fields()
{
    const auto count = [&](std::string_view name) {
        return std::count_if(request_.headers.begin(), request_.headers.end(),
                             [&](const auto& header) { return header.first == name; });
    };
    for (const std::string_view single : {"authorization", "x-cashu", "host", "content-type", "transfer-encoding"}) {
        if (count(single) <= 1) continue;
        refuse(400, "bad-request", "a header that may stand only once is repeated");
        return false;
    }
    if (!http_1_0_ && count("host") == 0) {
        refuse(400, "bad-request", "the Host header is missing");
        return false;
    }
    const auto coding = request_.header("transfer-encoding");
    if (coding && (http_1_0_ || !equal_ignoring_case(*coding, "chunked") || count("content-length") != 0)) {
        refuse(400, "bad-request", "the transfer encoding is not understood");
        return false;
    }
    return true;
}

/// Gives how many bytes belonged to the body; the state says whether it is complete.
std::size_t RequestReader::read_body(std::string_view bytes)
{
    if (framing_ == Framing::chunked) return read_chunked(bytes);
    const std::size_t used = std::min<std::uint64_t>(remaining_, bytes.size());
    request_.body.append(bytes.substr(0, used));
    remaining_ -= used;
    if (remaining_ == 0) state_ = State::complete;
    return used;
}

bool RequestReader::read_chunk_size_digit(char c)
{
    unsigned digit = 0;
    if (c >= '0' && c <= '9')
        digit = static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f')
        digit = static_cast<unsigned>(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
        digit = static_cast<unsigned>(c - 'A') + 10;
    else
        return false;
    if (++size_digits_ > kChunkSizeDigits) return false;
    remaining_ = remaining_ << 4U | digit;
    return true;
}

/// RFC 9112 7.1; extensions and trailers are read over. Nothing is buffered but the content itself.
std::size_t RequestReader::read_chunked(std::string_view bytes)
{
    const auto malformed = [&] { refuse(400, "bad-request", "the chunked body is malformed"); };
    std::size_t at = 0;
    while (at < bytes.size() && state_ == State::body) {
        if (chunk_ == Chunk::content) {
            const std::size_t used = std::min<std::uint64_t>(remaining_, bytes.size() - at);
            request_.body.append(bytes.substr(at, used));
            remaining_ -= used;
            at += used;
            if (remaining_ == 0) chunk_ = Chunk::content_cr;
            continue;
        }
        const char c = bytes[at++];
        if (++framing_bytes_ > kFramingBytes) {
            refuse(413, "body-too-large", "the chunked body has too much framing");
            break;
        }
        switch (chunk_) {
        case Chunk::size:
            if (read_chunk_size_digit(c)) break;
            if (size_digits_ == 0 || size_digits_ > kChunkSizeDigits ||
                (c != '\r' && c != ';' && c != ' ' && c != '\t'))
                malformed();
            else
                chunk_ = c == '\r' ? Chunk::size_end : Chunk::extension;
            break;
        case Chunk::extension:
            if (c == '\r')
                chunk_ = Chunk::size_end;
            else if (c == '\n' || c == '\0')
                malformed();
            break;
        case Chunk::size_end:
            if (c != '\n') {
                malformed();
            } else if (remaining_ > limits_.body_bytes - request_.body.size()) {
                refuse(413, "body-too-large", "the body is too large");
            } else {
                chunk_ = remaining_ == 0 ? Chunk::trailer : Chunk::content;
                trailer_line_ = 0;
            }
            break;
        case Chunk::content:
            break; // above
        case Chunk::content_cr:
            if (c != '\r') malformed();
            chunk_ = Chunk::content_lf;
            break;
        case Chunk::content_lf:
            if (c != '\n') malformed();
            chunk_ = Chunk::size;
            size_digits_ = 0;
            break;
        case Chunk::trailer:
            if (c == '\r')
                chunk_ = Chunk::trailer_lf;
            else if (c == '\n' || c == '\0')
                malformed();
            else
                ++trailer_line_;
            break;
        case Chunk::trailer_lf:
            if (c != '\n')
                malformed();
            else if (trailer_line_ == 0)
                state_ = State::complete;
            chunk_ = Chunk::trailer;
            trailer_line_ = 0;
            break;
        }
    }
    return at;
}

} // namespace adit::http
