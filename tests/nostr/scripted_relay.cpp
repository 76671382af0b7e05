#include "scripted_relay.h"

#include "base/bytes.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <openssl/sha.h>

namespace adit::nostr {

namespace {

std::string header(const std::string& request, const std::string& name)
{
    std::string lower(request);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    const auto at = lower.find("\r\n" + name + ":");
    if (at == std::string::npos) return {};
    auto begin = at + name.size() + 3;
    while (begin < request.size() && request[begin] == ' ') ++begin;
    return request.substr(begin, request.find("\r\n", begin) - begin);
}

std::string accept_key(const std::string& key)
{
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    ByteArray<SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return encode_base64(digest);
}

} // namespace

void ScriptedRelay::Session::send_frame(std::uint8_t first_byte, std::uint64_t declared, const std::string& payload)
{
    std::string frame(1, static_cast<char>(first_byte));
    if (declared < 126) {
        frame += static_cast<char>(declared);
    } else if (declared < 65536) {
        frame += static_cast<char>(126);
        frame += static_cast<char>(declared >> 8U);
        frame += static_cast<char>(declared & 0xFFU);
    } else {
        frame += static_cast<char>(127);
        for (unsigned shift = 64; shift > 0; shift -= 8) frame += static_cast<char>((declared >> (shift - 8)) & 0xFFU);
    }
    send_raw(frame + payload);
}

void ScriptedRelay::Session::send(const std::string& text) { send_frame(0x81, text.size(), text); }

ScriptedRelay::ScriptedRelay(Script script)
    : script_(std::move(script)), server_([this](Connection& connection) { serve(connection); }, script_.certificate)
{
}

std::string ScriptedRelay::last_host() const
{
    const std::lock_guard lock(mutex_);
    return last_host_;
}

void ScriptedRelay::serve(Connection& connection)
{
    if (!shake_hands(connection)) return;
    Session session(connection);
    if (script_.on_open) script_.on_open(session);
    read_frames(connection, session);
}

bool ScriptedRelay::shake_hands(Connection& connection)
{
    std::string request;
    char c = 0;
    while (!request.ends_with("\r\n\r\n")) {
        if (request.size() > 8192 || !connection.read(&c, 1)) return false;
        request += c;
    }
    {
        const std::lock_guard lock(mutex_);
        last_host_ = header(request, "host");
    }
    std::string accept = accept_key(header(request, "sec-websocket-key"));
    switch (script_.handshake) {
    case Handshake::proper:
        break;
    case Handshake::never:
        while (connection.read(&c, 1)) {
        }
        return false;
    case Handshake::garbage:
        connection.send(std::string(3000, '\x03'));
        while (connection.read(&c, 1)) {
        }
        return false;
    case Handshake::close:
        return false;
    case Handshake::wrong_accept:
        accept = accept_key("another");
        break;
    case Handshake::redirect:
        connection.send("HTTP/1.1 302 Found\r\nLocation: " + script_.redirect_to + "\r\nContent-Length: 0\r\n\r\n");
        return false;
    case Handshake::http_error:
        connection.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        return false;
    }
    connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: " +
                    accept + "\r\n\r\n");
    return true;
}

void ScriptedRelay::read_frames(Connection& connection, Session& session)
{
    std::string text;
    for (;;) {
        std::array<std::uint8_t, 2> head{};
        if (!connection.read(reinterpret_cast<char*>(head.data()), head.size())) return;
        std::uint64_t length = head[1] & 0x7FU;
        const unsigned extra = length == 126 ? 2 : length == 127 ? 8 : 0;
        if (extra > 0) length = 0;
        for (unsigned i = 0; i < extra; ++i) {
            char byte = 0;
            if (!connection.read(&byte, 1)) return;
            length = length << 8U | static_cast<std::uint8_t>(byte);
        }
        std::array<char, 4> mask{};
        if ((head[1] & 0x80U) != 0 && !connection.read(mask.data(), mask.size())) return;
        std::string payload(length, '\0');
        if (!connection.read(payload.data(), payload.size())) return;
        for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
        const unsigned opcode = head[0] & 0x0FU;
        if (opcode == 8) return;
        if (opcode == 9) session.send_frame(0x8A, payload.size(), payload);
        if (opcode > 2) continue;
        text += payload;
        if ((head[0] & 0x80U) == 0) continue;
        if (script_.on_text) script_.on_text(session, text);
        text.clear();
    }
}

std::function<void(ScriptedRelay::Session&, const std::string&)> honest(std::vector<std::string> stored)
{
    return [stored = std::move(stored)](ScriptedRelay::Session& session, const std::string& text) {
        const auto message = nlohmann::json::parse(text);
        if (message.at(0) == "EVENT") {
            session.send(nlohmann::json{"OK", message.at(1).at("id"), true, ""}.dump());
        } else if (message.at(0) == "REQ") {
            const std::string id = message.at(1);
            for (const auto& event : stored) session.send("[\"EVENT\",\"" + id + "\"," + event + "]");
            session.send(nlohmann::json{"EOSE", id}.dump());
        }
    };
}

} // namespace adit::nostr
