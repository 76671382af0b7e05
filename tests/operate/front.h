// tests/operate/front.h - a reverse proxy on loopback that can be told to spoil what it passes on.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace adit::operate {

class Front {
public:
    enum class Act { send, close, hang };
    /// `path`: of the request, with its query. `answer`: head and body as the shop gave it, to be changed.
    using Spoil = std::function<Act(const std::string& path, std::string& answer)>;

    Front();
    ~Front();
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;

    std::uint16_t port() const { return port_; }
    void lead_to(std::uint16_t shop) { shop_ = shop; }
    void set_spoil(Spoil spoil);

private:
    void accept_all();
    void serve(int client);
    std::string pass_on(const std::string& request) const;

    int listener_;
    std::uint16_t port_;
    std::atomic<std::uint16_t> shop_ = 0;
    std::atomic<bool> over_ = false;
    std::mutex mutex_;
    Spoil spoil_;
    std::vector<std::thread> serving_; // of the accepting thread only
    std::thread accepting_;
};

} // namespace adit::operate
