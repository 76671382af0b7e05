#include "scripted_node.h"

#include "base/bytes.h"

#include <algorithm>
#include <array>
#include <openssl/sha.h>

namespace adit::payments::lightning {

std::string NodeRequest::header(const std::string& name) const
{
    const auto lower = [](std::string text) {
        std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
        return text;
    };
    const auto at = lower(head).find("\r\n" + lower(name) + ":");
    if (at == std::string::npos) return {};
    auto begin = at + name.size() + 3;
    while (begin < head.size() && head[begin] == ' ') ++begin;
    return head.substr(begin, head.find("\r\n", begin) - begin);
}

void ScriptedNode::Session::answer(int status, const std::string& body)
{
    send_raw("HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + body);
}

void ScriptedNode::Session::begin_stream() { send_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); }

void ScriptedNode::Session::chunk(const std::string& bytes)
{
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    send_raw(size + bytes + "\r\n");
}

void ScriptedNode::Session::upgrade(const NodeRequest& request)
{
    const std::string text = request.header("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    ByteArray<SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    send_raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: " +
             encode_base64(digest) + "\r\n\r\n");
}

void ScriptedNode::Session::send_frame(const std::string& text, std::uint8_t first_byte)
{
    std::string frame(1, static_cast<char>(first_byte));
    if (text.size() < 126) {
        frame += static_cast<char>(text.size());
    } else if (text.size() < 65536) {
        frame += static_cast<char>(126);
        frame += static_cast<char>(text.size() >> 8U);
        frame += static_cast<char>(text.size() & 0xFFU);
    } else {
        frame += static_cast<char>(127);
        for (unsigned shift = 64; shift > 0; shift -= 8) frame += static_cast<char>(text.size() >> (shift - 8) & 0xFFU);
    }
    send_raw(frame + text);
}

void ScriptedNode::Session::drain(Pings pings)
{
    for (;;) {
        std::array<std::uint8_t, 6> head{}; // the client's control frames: two bytes and the mask
        if (!connection_.read(reinterpret_cast<char*>(head.data()), head.size())) return;
        std::string payload(head[1] & 0x7FU, '\0');
        if (!connection_.read(payload.data(), payload.size())) return;
        for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ head[2 + i % 4]);
        if ((head[0] & 0x0FU) == 8) return;
        if ((head[0] & 0x0FU) == 9 && pings == Pings::answered) send_frame(payload, 0x8A);
    }
}

ScriptedNode::ScriptedNode(Handler handler, const TestCertificate* certificate)
    : handler_(std::move(handler)),
      server_([this](fakes::LoopbackServer::Connection& connection) { serve(connection); }, certificate)
{
}

std::string ScriptedNode::url() const
{
    return (server_.has_tls() ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port());
}

std::vector<NodeRequest> ScriptedNode::requests() const
{
    const std::lock_guard lock(mutex_);
    return requests_;
}

void ScriptedNode::serve(fakes::LoopbackServer::Connection& connection)
{
    Session session(connection);
    while (!connection.closed()) {
        NodeRequest request;
        char c = 0;
        while (!request.head.ends_with("\r\n\r\n")) {
            if (request.head.size() > 65'536 || !connection.read(&c, 1)) return;
            request.head += c;
        }
        const auto first = request.head.find(' ');
        request.method = request.head.substr(0, first);
        request.path = request.head.substr(first + 1, request.head.find(' ', first + 1) - first - 1);
        const std::string length = request.header("content-length");
        request.body.resize(length.empty() ? 0 : std::strtoul(length.c_str(), nullptr, 10));
        if (!connection.read(request.body.data(), request.body.size())) return;
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
        }
        handler_(session, request);
    }
}

} // namespace adit::payments::lightning
