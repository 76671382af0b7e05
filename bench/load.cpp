#include "bench/load.h"

#include "bench/report.h"
#include "bench/stopwatch.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::bench {

namespace {

/// -1: nobody listens.
int connect_to(std::uint16_t port)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

bool send_whole(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

/// None: more is to come.
std::optional<HttpAnswer> whole_answer(const std::string& in)
{
    const std::size_t head_end = in.find("\r\n\r\n");
    if (head_end == std::string::npos) return std::nullopt;
    std::string head = in.substr(0, head_end);
    std::ranges::transform(head, head.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    std::size_t length = 0;
    constexpr std::string_view kLength = "content-length: ";
    if (const std::size_t at = head.find(kLength); at != std::string::npos)
        std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(), length);
    if (in.size() < head_end + 4 + length) return std::nullopt;
    HttpAnswer answer;
    std::from_chars(head.data() + 9, head.data() + 12, answer.status);
    answer.body = in.substr(head_end + 4, length);
    return answer;
}

struct Line {
    int fd = -1;
    std::string in = {};
    std::optional<Stopwatch> began = {}; // none: not yet used
    bool open = true;
};

class Sender {
public:
    Sender(std::uint16_t port, std::span<const std::string> requests, std::size_t at_once)
        : requests_(requests), lines_(std::min(at_once, requests.size()))
    {
        for (Line& line : lines_)
            if ((line.fd = connect_to(port)) < 0) give_up("nobody listens");
    }
    ~Sender()
    {
        for (const Line& line : lines_) ::close(line.fd);
    }
    Sender(const Sender&) = delete;

    LoadResult run(Milliseconds stagger)
    {
        const Stopwatch watch;
        const double pause = static_cast<double>(stagger.count()) / static_cast<double>(lines_.size());
        std::size_t begun = 0;
        while (result_.latencies_ms.size() < requests_.size()) {
            while (begun < lines_.size() && watch.ms() >= pause * static_cast<double>(begun))
                send_next(lines_[begun++]);
            wait_for_some(begun < lines_.size() ? 1 : 1000);
        }
        result_.seconds = watch.ms() / 1000;
        return std::move(result_);
    }

private:
    void send_next(Line& line)
    {
        if (next_ == requests_.size()) {
            line.open = false;
            return;
        }
        line.began.emplace();
        if (!send_whole(line.fd, requests_[next_++])) give_up("a connection was closed");
    }

    void wait_for_some(int patience_ms)
    {
        std::vector<pollfd> polled;
        std::vector<Line*> who;
        for (Line& line : lines_) {
            if (!line.began || !line.open) continue;
            polled.push_back({line.fd, POLLIN, 0});
            who.push_back(&line);
        }
        ::poll(polled.data(), polled.size(), patience_ms);
        for (std::size_t i = 0; i < polled.size(); ++i)
            if (polled[i].revents != 0) read_some(*who[i]);
    }

    void read_some(Line& line)
    {
        char block[65536];
        const ssize_t got = ::recv(line.fd, block, sizeof block, 0);
        if (got <= 0) give_up("a connection was closed without an answer");
        line.in.append(block, static_cast<std::size_t>(got));
        const auto answer = whole_answer(line.in);
        if (!answer) return;
        result_.latencies_ms.push_back(line.began->ms());
        if (answer->status != 200) give_up("answered " + std::to_string(answer->status) + " " + answer->body);
        line.in.clear();
        send_next(line);
    }

    std::span<const std::string> requests_;
    std::vector<Line> lines_;
    std::size_t next_ = 0;
    LoadResult result_;
};

std::string request(std::string_view method, std::string_view path, std::string_view headers, std::string_view body)
{
    std::string text(method);
    text += ' ';
    text += path;
    text += " HTTP/1.1\r\nHost: bench\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    text += headers;
    text += "\r\n";
    text += body;
    return text;
}

} // namespace

HttpAnswer ask(std::uint16_t port, const std::string& text)
{
    const int fd = connect_to(port);
    if (fd < 0) return {};
    std::string in;
    std::optional<HttpAnswer> answer;
    if (send_whole(fd, text)) {
        char block[65536];
        for (ssize_t got = 0; !answer && (got = ::recv(fd, block, sizeof block, 0)) > 0;) {
            in.append(block, static_cast<std::size_t>(got));
            answer = whole_answer(in);
        }
    }
    ::close(fd);
    return answer.value_or(HttpAnswer{});
}

std::string get(std::string_view path, std::string_view more_headers)
{
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: bench\r\n" + std::string(more_headers) + "\r\n";
}

std::string post(std::string_view path, std::string_view body, std::string_view more_headers)
{
    return request("POST", path, "Content-Type: application/json\r\n" + std::string(more_headers), body);
}

LoadResult send_all(std::uint16_t port, std::span<const std::string> requests, std::size_t at_once,
                    Milliseconds stagger)
{
    return Sender(port, requests, at_once).run(stagger);
}

} // namespace adit::bench
