// tests/fakes/wireguard_interface.h - a WireGuard interface for tests with real packets, of whichever kind they are
// about.
#pragma once

#include "fakes/netns.h"

#include <optional>

namespace adit::fakes {

/// Empty if this kernel can make a WireGuard interface in a namespace; else why not.
const std::string& kernel_wireguard_missing();

/// First line of a test, or of SetUp, that is about the kernel's WireGuard alone.
#define ADIT_NEEDS_KERNEL_WIREGUARD()                                                                                  \
    do {                                                                                                               \
        if (const std::string& missing = ::adit::fakes::kernel_wireguard_missing(); !missing.empty()) {                \
            if (::adit::fakes::kernel_wireguard_required()) FAIL() << "ADIT_KERNEL_WG is set, but " << missing;        \
            GTEST_SKIP() << "done by tests/kernel/run, in a virtual machine: " << missing;                             \
        }                                                                                                              \
    } while (false)

/// The kernel's where kernel_wireguard_required(), else wireguard-go's. It is up, without key, peers or addresses.
class WireguardInterface {
public:
    /// `where` must outlive it. Errors: io.
    static Result<WireguardInterface> start(const Netns& where, const std::string& name = unique_interface_name());
    WireguardInterface(WireguardInterface&& other) noexcept;
    WireguardInterface& operator=(WireguardInterface&& other) noexcept;
    ~WireguardInterface() { stop(); }

    const std::string& interface() const { return name_; }
    /// It is gone, with all its peers; nothing if it is gone already.
    void stop();

private:
    WireguardInterface(const Netns& where, std::string name) : where_(&where), name_(std::move(name)) {}
    const Netns* where_; // null: stopped, or moved from
    std::string name_;
    std::optional<WireguardGo> go_; // none: the kernel's
};

} // namespace adit::fakes
