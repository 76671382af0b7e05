// tests/operate/test_proxy.h - a reverse proxy that does to requests what badly set up ones do. Loopback only.
#pragma once

#include "fakes/test_certificate.h"

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct ssl_ctx_st;

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

    /// Listens at once; certificate null: plain HTTP. It must outlive the proxy.
    explicit TestProxy(const TestCertificate* certificate = nullptr);
    ~TestProxy();
    TestProxy(const TestProxy&) = delete;
    TestProxy& operator=(const TestProxy&) = delete;

    std::uint16_t port() const { return port_; }
    /// Where requests go, on 127.0.0.1; 0: nowhere, 502.
    void pass_to(std::uint16_t port) { upstream_ = port; }
    void behave(Manners manners);

private:
    void accept_all();
    void serve(int fd);
    std::string answer_to(const std::string& head, const std::string& body) const;

    ssl_ctx_st* tls_ = nullptr;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<std::uint16_t> upstream_{0};
    mutable std::mutex mutex_;
    Manners manners_;
    bool ending_ = false;
    std::vector<int> open_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

} // namespace adit::operate
