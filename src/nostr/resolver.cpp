#include "nostr/resolver.h"

#include <arpa/inet.h>
#include <mutex>
#include <netdb.h>
#include <system_error>
#include <thread>

namespace adit::nostr {

namespace {

constexpr std::size_t kMaxAddresses = 8;

bool is_numeric(const std::string& host)
{
    in6_addr ignored{};
    return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 || ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

} // namespace

struct Resolver::Gate {
    std::mutex mutex;
    Loop* loop; // null once the resolver is gone
};

Result<std::vector<std::string>> system_resolve(const std::string& host)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* list = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0)
        return Error{Reason::relay_unavailable, std::string("name lookup: ") + ::gai_strerror(error)};
    std::vector<std::string> addresses;
    for (const addrinfo* entry = list; entry && addresses.size() < kMaxAddresses; entry = entry->ai_next) {
        std::string text(NI_MAXHOST, '\0');
        if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), static_cast<socklen_t>(text.size()), nullptr,
                          0, NI_NUMERICHOST) != 0)
            continue;
        text.resize(text.find('\0'));
        addresses.push_back(std::move(text));
    }
    ::freeaddrinfo(list);
    if (addresses.empty()) return Error{Reason::relay_unavailable, "name lookup: no address"};
    return addresses;
}

Resolver::Resolver(Loop& loop, ResolveHost resolve)
    : gate_(std::make_shared<Gate>()), resolve_(resolve ? std::move(resolve) : ResolveHost(system_resolve))
{
    gate_->loop = &loop;
}

Resolver::~Resolver()
{
    const std::lock_guard lock(gate_->mutex);
    gate_->loop = nullptr;
}

void Resolver::resolve(const std::string& host, std::function<void(Addresses)> done)
{
    const auto answer = [gate = gate_](Addresses addresses, std::function<void(Addresses)> to) {
        const std::lock_guard lock(gate->mutex);
        if (!gate->loop) return;
        gate->loop->post([addresses = std::move(addresses), to = std::move(to)] { to(addresses); });
    };
    if (is_numeric(host)) {
        answer(std::vector<std::string>{host}, std::move(done));
        return;
    }
    try {
        // Detached: a lookup can not be called off, and the end of the program must not wait for a DNS server.
        std::thread([answer, host, done, resolve = resolve_] { answer(resolve(host), done); }).detach();
    } catch (const std::system_error&) {
        answer(Error{Reason::relay_unavailable, "name lookup: no thread to be had"}, std::move(done));
    }
}

} // namespace adit::nostr
