#include "wg/managed_interface.h"

#include "base/log.h"
#include "wg/cidr.h"

#include <algorithm>

namespace adit::wg {

ManagedInterface::ManagedInterface(InterfaceOptions options, Links& links, Device& device, UserspaceProgram& userspace)
    : options_(std::move(options)), public_key_(protocol::wireguard_public_key(options_.private_key)), links_(links),
      device_(device), userspace_(userspace)
{
    CHECK(options_.backend != Backend::memory);
}

Result<void> ManagedInterface::keep()
{
    const std::lock_guard lock(one_call_);
    auto link = TRY(links_.find(options_.interface));
    if (!link) {
        ours_ = false;
        link = TRY(make());
    }
    TRY(check_kind(*link));
    TRY(keep_key_and_port());
    TRY(keep_addresses(*link));
    if (!link->up || link->mtu != options_.mtu) {
        TRY(links_.set(*link, options_.mtu));
        log_info("interface_up", {{"interface", options_.interface}, {"mtu", options_.mtu}});
    }
    return {};
}

Result<Link> ManagedInterface::make()
{
    bool made = false;
    if (options_.backend != Backend::userspace) {
        const auto created = links_.create_wireguard(options_.interface);
        const bool kernel_has_none = !created && created.error().reason == Reason::device_absent;
        if (!created && (!kernel_has_none || options_.backend == Backend::kernel)) {
            const std::string advice = kernel_has_none ? "this kernel has no WireGuard: " : "can not be made: ";
            return Error{created.error().reason, options_.interface + ": " + advice + created.error().detail};
        }
        made = created.has_value();
    }
    if (!made) TRY(userspace_.start(options_.interface));
    auto link = TRY(links_.find(options_.interface));
    if (!link) return Error{Reason::device_unavailable, options_.interface + " is gone as soon as it was made"};
    log_info("interface_made", {{"interface", options_.interface}, {"backend", made ? "kernel" : "userspace"}});
    return std::move(*link);
}

Result<void> ManagedInterface::check_kind(const Link& link) const
{
    const bool fits = (link.kind == "wireguard" && options_.backend != Backend::userspace) ||
                      (link.kind == "tun" && options_.backend != Backend::kernel);
    if (fits) return {};
    const std::string kind = link.kind.empty() ? "hardware" : "of the kind " + link.kind;
    return Error{Reason::bad_config, options_.interface + " is there already and is " + kind +
                                         ": expected a [wireguard].interface that is free, or one of the backend's"};
}

Result<void> ManagedInterface::keep_key_and_port()
{
    const auto status = device_.status();
    if (!status) {
        if (status.error().reason != Reason::device_absent) return status.error();
        return Error{Reason::bad_config, options_.interface + " is there already, but no WireGuard answers for it (" +
                                             status.error().detail +
                                             "): expected a [wireguard].interface that is free"};
    }
    const bool key_fits = status->public_key == public_key_;
    if (status->public_key && !key_fits && !ours_)
        return Error{Reason::bad_config, options_.interface +
                                             " is there already with another private key, so it is left as it is: "
                                             "name another [wireguard].interface, or remove it (ip link delete " +
                                             options_.interface + ") if its peers can go"};
    if (!key_fits || status->listen_port != options_.listen_port) {
        TRY(device_.configure({options_.private_key.duplicate(), options_.listen_port}));
        log_info("interface_configured", {{"interface", options_.interface}, {"listen_port", options_.listen_port}});
    }
    ours_ = true;
    return {};
}

Result<void> ManagedInterface::keep_addresses(const Link& link)
{
    const auto has = [](const std::vector<AllowedIp>& addresses, const AllowedIp& address) {
        return std::ranges::find(addresses, address) != addresses.end();
    };
    for (const AllowedIp& there : link.addresses)
        if (!has(options_.addresses, there)) {
            TRY(links_.remove_address(link, there));
            log_info("address_removed", {{"interface", options_.interface}, {"address", cidr_text(there)}});
        }
    for (const AllowedIp& wanted : options_.addresses)
        if (!has(link.addresses, wanted)) TRY(links_.add_address(link, wanted));
    return {};
}

} // namespace adit::wg
