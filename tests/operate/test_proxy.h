// tests/operate/test_proxy.h - a reverse proxy that does to requests what badly set up ones do, or whatever a test
// wants. Loopback only.
#pragma once

#include "fakes/loopback_server.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace adit::operate {

class TestProxy {
public:
    struct Manners {
        std::size_t header_limit = 1 << 20; // bytes; 431 above
        bool passes_cors = true;            // else Access-Control-* headers of answers are lost
        bool answers_options = false;       // by itself, with 204 and nothing else
        bool forwards = true;               // adds X-Forwarded-For
        std::string date = {};              // of every answer; "" for none
        std::string body_instead = {};      // of every answer with 200
    };

    enum class Act { send, close, hang };
    /// `path`: of the request, with its query. `answer`: head and body as they would go out, to be changed.
    using Spoil = std::function<Act(const std::string& path, std::string& answer)>;

    /// Listens at once; certificate null: plain HTTP. It must outlive the proxy.
    explicit TestProxy(const TestCertificate* certificate = nullptr);

    std::uint16_t port() const { return server_.port(); }
    /// Where requests go, on 127.0.0.1; 0: nowhere, 502.
    void pass_to(std::uint16_t port) { upstream_ = port; }
    void behave(Manners manners);
    void set_spoil(Spoil spoil);

private:
    void serve(fakes::LoopbackServer::Connection& connection);
    static std::string answer_to(const std::string& head, const std::string& body, const Manners& manners,
                                 std::uint16_t upstream);

    std::atomic<std::uint16_t> upstream_{0};
    std::mutex mutex_;
    Manners manners_;
    Spoil spoil_;
    fakes::LoopbackServer server_; // last: its threads use the rest
};

} // namespace adit::operate
