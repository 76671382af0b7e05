// Against a server that answers what it likes, as no wireguard-go would.
#include "wg/uapi_device.h"

#include "base/clock.h"
#include "wg/peers.h"

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace adit::wg {

namespace {

/// Each connection is handed to `serve` on the server's thread, and closed after it. A pipe ends it all.
class Server {
public:
    explicit Server(std::function<void(int fd, int stop_fd)> serve) : serve_(std::move(serve))
    {
        char folder[] = "/tmp/adit-uapi-XXXXXX";
        EXPECT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        EXPECT_EQ(::pipe2(stop_, O_CLOEXEC), 0);
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        const std::string path = folder_ / "wg0.sock";
        std::memcpy(at.sun_path, path.c_str(), path.size());
        EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
        EXPECT_EQ(::listen(listener_, 16), 0);
        thread_ = std::thread([this] { run(); });
    }
    ~Server()
    {
        stop();
        std::filesystem::remove_all(folder_);
    }
    /// The socket file stays, as after a crash.
    void stop()
    {
        if (!thread_.joinable()) return;
        ::close(stop_[1]);
        thread_.join();
        ::close(stop_[0]);
        ::close(listener_);
    }
    std::unique_ptr<UapiDevice> device() { return std::move(UapiDevice::open("wg0", folder_)).value(); }
    const std::filesystem::path& folder() const { return folder_; }
    int connections = 0; // read after stop()

private:
    void run()
    {
        while (true) {
            pollfd waiting[2] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
            if (::poll(waiting, 2, -1) < 0 || waiting[1].revents != 0) return;
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            ++connections;
            serve_(fd, stop_[0]);
            ::close(fd);
        }
    }
    std::function<void(int, int)> serve_;
    std::filesystem::path folder_;
    int stop_[2] = {-1, -1};
    int listener_ = -1;
    std::thread thread_;
};

std::string read_request(int fd)
{
    std::string out;
    char block[4096];
    while (out.find("\n\n") == std::string::npos) {
        const ssize_t got = ::recv(fd, block, sizeof block, 0);
        if (got <= 0) break;
        out.append(block, static_cast<std::size_t>(got));
    }
    return out;
}

void write_all(int fd, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

auto answering(std::string text)
{
    return [text = std::move(text)](int fd, int) {
        read_request(fd);
        write_all(fd, text);
    };
}

Milliseconds elapsed(SteadyTime since)
{
    return std::chrono::duration_cast<Milliseconds>(system_clock().steady() - since);
}

} // namespace

TEST(UapiDevice, ASilentServerCostsNoMoreThanTheTimeout)
{
    Server silent([](int fd, int stop_fd) {
        read_request(fd);
        pollfd waiting[2] = {{fd, POLLIN, 0}, {stop_fd, POLLIN, 0}};
        ::poll(waiting, 2, -1); // until the client gives up
    });
    const auto device = silent.device();
    const SteadyTime start = system_clock().steady();
    EXPECT_EQ(device->status().error().reason, Reason::device_unavailable);
    EXPECT_GE(elapsed(start), kDeviceTimeout);
    EXPECT_LT(elapsed(start), kDeviceTimeout + Milliseconds(900));
}

TEST(UapiDevice, AServerThatDripsForeverCostsNoMoreThanTheTimeout)
{
    Server dripping([](int fd, int stop_fd) {
        while (::send(fd, "a=b\n", 4, MSG_NOSIGNAL) > 0) {
            pollfd waiting{stop_fd, POLLIN, 0};
            if (::poll(&waiting, 1, 20) != 0) return;
        }
    });
    const SteadyTime start = system_clock().steady();
    EXPECT_EQ(dripping.device()->status().error().reason, Reason::device_unavailable);
    EXPECT_LT(elapsed(start), kDeviceTimeout + Milliseconds(900));
}

TEST(UapiDevice, ATornAnswerIsUnavailableAndNotAbsent)
{
    Server torn(answering("listen_port=51820\nerrno=0\n"));
    EXPECT_EQ(torn.device()->status().error().reason, Reason::device_unavailable);
    EXPECT_EQ(torn.device()->apply(puts(1)).error().reason, Reason::device_unavailable);
}

TEST(UapiDevice, ARefusalIsUnavailable)
{
    Server refusing(answering("errno=-22\n\n"));
    const auto refused = refusing.device()->apply(puts(1));
    EXPECT_EQ(refused.error().reason, Reason::device_unavailable);
    EXPECT_NE(refused.error().detail.find("-22"), std::string::npos);
}

TEST(UapiDevice, AnEndlessAnswerIsGivenUp)
{
    Server endless([](int fd, int) {
        read_request(fd);
        const std::string block(1 << 20, 'x');
        while (::send(fd, block.data(), block.size(), MSG_NOSIGNAL) > 0) {
        }
    });
    EXPECT_EQ(endless.device()->status().error().reason, Reason::device_unavailable);
}

TEST(UapiDevice, AStaleSocketAndNoSocketAreAbsent)
{
    Server gone(answering("errno=0\n\n"));
    const auto device = gone.device();
    EXPECT_TRUE(device->status());
    gone.stop();
    EXPECT_EQ(device->status().error().reason, Reason::device_absent);
    EXPECT_EQ(device->apply(removals(1)).error().reason, Reason::device_absent);
    const auto never = std::move(UapiDevice::open("wg1", gone.folder())).value();
    EXPECT_EQ(never->status().error().reason, Reason::device_absent);
}

TEST(UapiDevice, ALargeBatchIsCutAndEveryPartIsAcknowledged)
{
    std::string seen;
    Server server([&seen](int fd, int) {
        seen += read_request(fd);
        write_all(fd, "errno=0\n\n");
    });
    EXPECT_TRUE(server.device()->apply(puts(1234)));
    server.stop();
    EXPECT_EQ(server.connections, 3);
    for (std::uint32_t i = 1; i <= 1234; ++i)
        ASSERT_NE(seen.find("public_key=" + key_number(i).hex()), std::string::npos) << i;
}

TEST(UapiDevice, ARefusedPartEndsTheBatch)
{
    Server server(answering("errno=1\n\n"));
    EXPECT_FALSE(server.device()->apply(puts(1234)));
    server.stop();
    EXPECT_EQ(server.connections, 1);
}

TEST(UapiDevice, RefusesNamesThatLeaveTheFolderAndPathsThatAreTooLong)
{
    EXPECT_EQ(UapiDevice::open("../wg0").error().reason, Reason::bad_config);
    EXPECT_EQ(UapiDevice::open("wg0", std::string(100, 'a')).error().reason, Reason::bad_config);
}

} // namespace adit::wg
