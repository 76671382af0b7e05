// tests/fakes/netns.h - network namespaces, veth pairs, NAT and wireguard-go for tests with real packets.
// Everything here ends with the process, however that ends: namespaces are held by file descriptors, never by name, and
// children are told to die with the thread that started them (so start them from a thread that lives on: main).
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace adit::fakes {

using Command = std::vector<std::string>;

/// Why tests with namespaces can not run here (not root, no /dev/net/tun, no `ip`, ...); empty if they can.
const std::string& netns_missing();
/// ADIT_REQUIRE_NETNS=1, as CI sets it: what is missing is a failure then, not a skip.
bool netns_required();
/// ADIT_KERNEL_WG=1, as tests/kernel/run sets it: this kernel has WireGuard, and the tests with real packets speak to
/// that in place of wireguard-go. If it has none they fail.
bool kernel_wireguard_required();

/// First line of a test, or of SetUp, that makes namespaces.
#define ADIT_NEEDS_NETNS()                                                                                             \
    do {                                                                                                               \
        if (const std::string& missing = ::adit::fakes::netns_missing(); !missing.empty()) {                           \
            if (::adit::fakes::netns_required()) FAIL() << "ADIT_REQUIRE_NETNS is set, but " << missing;               \
            GTEST_SKIP() << "no tunnels with real packets here: " << missing;                                          \
        }                                                                                                              \
    } while (false)

/// Asks every 10 ms until the answer is yes (true) or `length` has passed (false). At least once.
bool eventually(Milliseconds length, const std::function<bool()>& condition);

/// A child process; its output (both streams) is kept in memory. Ended with SIGTERM, after 2 s with SIGKILL.
class Child {
public:
    Child(pid_t pid, int output_fd) : pid_(pid), output_fd_(output_fd) {}
    Child(Child&& other) noexcept;
    Child& operator=(Child&& other) noexcept;
    ~Child() { stop(); }

    pid_t pid() const { return pid_; }
    bool running();
    /// All that it has written so far.
    const std::string& output();
    /// Waits for it to end by itself. Errors: io (not ended within `length`). Gives the exit status, 128 + n for
    /// signal n.
    Result<int> wait(Milliseconds length);
    void stop();

private:
    bool reap(int options);
    pid_t pid_;     // -1: none
    int output_fd_; // a file without a name
    int status_ = -1;
    std::string output_;
};

/// Starts a program that goes on, where we are ourselves. Errors: io.
Result<Child> start(const Command& command);

/// A network namespace with its loopback interface up. It lasts as long as something lives in it or this object does.
class Netns {
public:
    /// Errors: io.
    static Result<Netns> create();
    Netns(Netns&& other) noexcept;
    Netns& operator=(Netns&&) = delete;
    ~Netns();

    /// Runs a program to its end, 10 s at most, with `input` as its standard input. Gives its output. Errors: io, with
    /// the command and its output (so pass keys as files or input, not as arguments).
    Result<std::string> run(const Command& command, std::string_view input = {}) const;
    /// Starts a program that goes on.
    Result<Child> start(const Command& command) const;
    /// Runs `action` on a thread inside the namespace, and waits for it: sockets that it opens belong there.
    void inside(const std::function<void()>& action) const;
    /// For `ip link ... netns <path>`.
    std::string path() const;

private:
    explicit Netns(int fd) : fd_(fd) {}
    int fd_;
};

/// Joins the two with a veth pair, up and addressed ("192.0.2.1/24"). Interface names are chosen by the caller, at most
/// 15 characters. Errors: io.
Result<void> join(const Netns& a, const std::string& a_interface, const std::string& a_cidr, const Netns& b,
                  const std::string& b_interface, const std::string& b_cidr);
/// Forwarding on, and the source addresses of `source_cidr` masqueraded behind what leaves by `out_interface`. Errors:
/// io.
Result<void> forward_with_nat(const Netns& router, const std::string& source_cidr, const std::string& out_interface);

/// A name that no other test run on this machine is likely to have: /var/run/wireguard is shared by all namespaces.
std::string unique_interface_name();

/// wireguard-go in the foreground, as a child: its interface is up, without key, peers or addresses.
class WireguardGo {
public:
    /// Waits until its UAPI socket answers, 10 s at most. Errors: io.
    static Result<WireguardGo> start(const Netns& where, const std::string& interface = unique_interface_name());
    WireguardGo(WireguardGo&& other) noexcept;
    WireguardGo& operator=(WireguardGo&& other) noexcept;
    ~WireguardGo() { stop(); }

    const std::string& interface() const { return interface_; }
    /// Ends it; the interface and all peers are gone.
    void stop();

private:
    WireguardGo(Child child, std::string interface) : child_(std::move(child)), interface_(std::move(interface)) {}
    Child child_;
    std::string interface_;
    bool stopped_ = false; // or moved from: a later one of the same name owns the socket
};

} // namespace adit::fakes
