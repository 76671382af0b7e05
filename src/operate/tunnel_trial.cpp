#include "operate/tunnel_trial.h"

#include "base/clock.h"
#include "base/rng.h"
#include "cli/printable.h"
#include "operate/dns_question.h"
#include "operate/host_address.h"
#include "wg/program.h"

#include <cerrno>
#include <cstring>
#include <curl/curl.h>
#include <filesystem>
#include <future>
#include <poll.h>
#include <sched.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace adit::operate {

namespace {

constexpr Milliseconds kProgramLimit{10'000};
constexpr Milliseconds kLookAgain{100};

/// Errors: io.
Result<std::string> run_well(const std::string& program, const std::vector<std::string>& arguments,
                             std::string_view input = {})
{
    const auto ended = TRY(wg::run_program(program, arguments, input, kProgramLimit));
    if (ended.status != 0) return Error{Reason::io, cli::printable(ended.errors, 200)};
    return ended.output;
}

Result<void> ip(const std::vector<std::string>& arguments)
{
    TRY(run_well("ip", arguments));
    return {};
}

std::string family_flag(const std::string& network) { return network.find(':') == std::string::npos ? "-4" : "-6"; }

// ---- a namespace ---------------------------------------------------------------------------------------------------

/// A thread in a network namespace that is its own. It ends with the object, and the namespace with it.
class Elsewhere {
public:
    /// Errors: io.
    static Result<std::unique_ptr<Elsewhere>> open()
    {
        std::unique_ptr<Elsewhere> out(new Elsewhere);
        std::promise<int> opened;
        auto code = opened.get_future();
        out->thread_ = std::thread([self = out.get(), &opened] {
            self->id_ = static_cast<pid_t>(::syscall(SYS_gettid));
            opened.set_value(::unshare(CLONE_NEWNET) == 0 ? 0 : errno);
            std::unique_lock lock(self->mutex_);
            for (;;) {
                self->changed_.wait(lock, [&] { return self->over_ || self->task_; });
                if (self->over_) return;
                const auto task = std::exchange(self->task_, nullptr);
                lock.unlock();
                task();
                lock.lock();
            }
        });
        if (const int failed = code.get(); failed != 0)
            return Error{Reason::io, std::string("no network namespace can be made: ") + std::strerror(failed)};
        return out;
    }
    ~Elsewhere()
    {
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
        }
        changed_.notify_all();
        if (thread_.joinable()) thread_.join();
    }
    Elsewhere(const Elsewhere&) = delete;
    Elsewhere& operator=(const Elsewhere&) = delete;

    /// Of the thread: the kernel finds the namespace by it.
    pid_t id() const { return id_; }
    /// Runs `task` there, and waits for it: sockets that it opens and programs that it starts belong there.
    template<typename Task>
    auto run(Task task)
    {
        std::packaged_task<decltype(task())()> packaged(std::move(task));
        auto done = packaged.get_future();
        {
            const std::lock_guard lock(mutex_);
            task_ = [&packaged] { packaged(); };
        }
        changed_.notify_all();
        return done.get();
    }

private:
    Elsewhere() = default;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::function<void()> task_;
    bool over_ = false;
    pid_t id_ = 0;
    std::thread thread_;
};

// ---- the interface -------------------------------------------------------------------------------------------------

/// Made here, where the internet is, and then moved: its encrypted packets go on leaving from here.
class TrialInterface {
public:
    /// Errors: io.
    static Result<std::unique_ptr<TrialInterface>> make()
    {
        std::unique_ptr<TrialInterface> out(new TrialInterface);
        const auto kernel = ip({"link", "add", out->name_, "type", "wireguard"});
        if (kernel) return out;
        const std::string program = wg::find_program("wireguard-go");
        if (program.empty())
            return Error{Reason::io, "the kernel here has no WireGuard (" + kernel.error().detail +
                                         "), and wireguard-go is not installed"};
        out->program_.emplace(TRY(wg::LastingProgram::start(program, {"-f", out->name_})));
        const SteadyTime end = system_clock().steady() + kProgramLimit;
        while (!out->answers()) {
            if (!out->program_->running() || system_clock().steady() > end)
                return Error{Reason::io,
                             "wireguard-go does not start: " + cli::printable(out->program_->output(), 200)};
            ::poll(nullptr, 0, static_cast<int>(kLookAgain.count()));
        }
        return out;
    }
    ~TrialInterface()
    {
        if (program_) {
            program_->kill();
            std::error_code ignored;
            std::filesystem::remove(socket(), ignored);
        } else if (!moved_) {
            [[maybe_unused]] const auto removed = ip({"link", "delete", name_});
        }
    }
    TrialInterface(const TrialInterface&) = delete;
    TrialInterface& operator=(const TrialInterface&) = delete;

    const std::string& name() const { return name_; }
    const char* kind() const { return program_ ? "wireguard-go" : "kernel WireGuard"; }
    /// Errors: io.
    Result<void> move_to(const Elsewhere& where)
    {
        TRY(ip({"link", "set", name_, "netns", std::to_string(where.id())}));
        moved_ = true;
        return {};
    }

private:
    TrialInterface() : name_("adit" + encode_hex(system_rng().bytes<4>())) {}
    std::string socket() const { return "/var/run/wireguard/" + name_ + ".sock"; }
    bool answers() const
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket().copy(address.sun_path, sizeof address.sun_path - 1);
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const bool yes = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        ::close(fd);
        return yes;
    }

    const std::string name_;
    std::optional<wg::LastingProgram> program_; // none: the kernel's
    bool moved_ = false;
};

/// What `wg setconf` reads; the endpoint's host as an address, so that it asks no name server.
std::string wg_text(const protocol::ClientConfig& config, const std::string& endpoint)
{
    std::string text = "[Interface]\nPrivateKey = ";
    if (config.private_key) text += encode_base64(config.private_key->expose());
    text += "\n[Peer]\nPublicKey = " + config.server_key.base64();
    if (config.preshared_key) text += "\nPresharedKey = " + encode_base64(config.preshared_key->expose());
    text += "\nEndpoint = " + endpoint + "\nAllowedIPs = ";
    for (const std::string& network : config.allowed_ips)
        text += (&network == &config.allowed_ips.front() ? "" : ", ") + network;
    // Without one nothing would be sent until a packet goes out.
    return text + "\nPersistentKeepalive = " + std::to_string(config.persistent_keepalive_s.value_or(25)) + "\n";
}

/// Addresses, routes, up. To be called in the namespace. Errors: io.
Result<void> bring_up(const std::string& name, const protocol::ClientConfig& config)
{
    TRY(ip({"link", "set", "lo", "up"}));
    bool v4 = false;
    bool v6 = false;
    for (const std::string& address : config.addresses) {
        const bool six = address.find(':') != std::string::npos;
        (six ? v6 : v4) = true;
        std::vector<std::string> words{"address", "add", address, "dev", name};
        if (six) words.emplace_back("nodad");
        TRY(ip(words));
    }
    TRY(ip({"link", "set", name, "mtu", std::to_string(config.mtu.value_or(1420)), "up"}));
    for (const std::string& network : config.allowed_ips) {
        const std::string family = family_flag(network);
        if (family == "-4" ? v4 : v6) TRY(ip({family, "route", "replace", network, "dev", name}));
    }
    return {};
}

/// To be called in the namespace.
bool has_shaken_hands(const std::string& name)
{
    const auto shown = run_well("wg", {"show", name, "latest-handshakes"});
    if (!shown) return false;
    const std::size_t tab = shown->find('\t');
    return tab != std::string::npos && shown->find_first_of("123456789", tab) != std::string::npos;
}

std::optional<Milliseconds> await_handshake(const std::string& name, Milliseconds limit)
{
    const SteadyTime began = system_clock().steady();
    while (system_clock().steady() - began < limit) {
        if (has_shaken_hands(name)) return std::chrono::duration_cast<Milliseconds>(system_clock().steady() - began);
        ::poll(nullptr, 0, static_cast<int>(kLookAgain.count()));
    }
    return std::nullopt;
}

// ---- through it ----------------------------------------------------------------------------------------------------

Finding look_at_dns(const protocol::ClientConfig& config, Milliseconds limit)
{
    const std::string check = "tunnel-dns";
    for (const std::string& server : config.dns) {
        if (!is_address_literal(server)) continue; // a search domain
        const auto took = ask_for_a_name(server, limit, system_rng());
        if (took)
            return {check, Level::ok,
                    server + " answers through the tunnel, in " + std::to_string(took->count()) + " ms"};
        return {
            check, Level::fail,
            server + " does not answer through the tunnel within " + std::to_string(limit.count() / 1000) + " s",
            "packets come no farther, or nothing resolves there: see forwarding and NAT on the server (`adit check`), "
            "and that [wireguard].dns names a resolver that tunnels may reach"};
    }
    return {check, Level::warn, "the config names no resolver",
            "buyers go on using the one of their own network, which then sees every name: set [wireguard].dns"};
}

std::size_t count_fetched(char*, std::size_t size, std::size_t count, void* user) noexcept
{
    auto& fetched = *static_cast<std::size_t*>(user);
    fetched += size * count;
    return fetched >= kMostFetched ? 0 : size * count; // enough was seen
}

std::string mbits(std::uint64_t bytes, std::int64_t us)
{
    const std::uint64_t tenths = us > 0 ? bytes * 80 / static_cast<std::uint64_t>(us) : 0;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " Mbit/s";
}

/// `resolved`: "host:port:address" for libcurl, since the names of here are not those of there.
Finding fetch(const std::string& url, const std::string& resolved, Milliseconds limit)
{
    const std::string check = "throughput";
    const std::string shown = cli::printable(url, 200);
    const std::unique_ptr<CURL, void (*)(CURL*)> easy(curl_easy_init(), curl_easy_cleanup);
    const std::unique_ptr<curl_slist, void (*)(curl_slist*)> hosts(
        resolved.empty() ? nullptr : curl_slist_append(nullptr, resolved.c_str()), curl_slist_free_all);
    if (!easy) return {check, Level::warn, "not measured: libcurl does not start", "try again"};
    std::size_t fetched = 0;
    curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy.get(), CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
    curl_easy_setopt(easy.get(), CURLOPT_RESOLVE, hosts.get());
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &count_fetched);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &fetched);
    const CURLcode code = curl_easy_perform(easy.get());
    curl_off_t whole_us = 0;
    curl_off_t first_us = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_TOTAL_TIME_T, &whole_us);
    curl_easy_getinfo(easy.get(), CURLINFO_STARTTRANSFER_TIME_T, &first_us);
    const bool measured =
        code == CURLE_OK || (fetched > 0 && (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_WRITE_ERROR));
    if (!measured || fetched == 0)
        return {check, Level::fail, shown + " through the tunnel: " + curl_easy_strerror(code),
                "packets do not come through, or that address serves nothing: try it without the tunnel, then see "
                "forwarding, NAT and the MTU on the server (`adit check`)"};
    return {check, Level::ok,
            mbits(fetched, whole_us - first_us) + ": " + std::to_string(fetched / 1024) + " KiB of " + shown + " in " +
                std::to_string(whole_us / 1000) + " ms"};
}

Finding handshake_not_tried(const std::string& why)
{
    return {"handshake", Level::warn, "not tried: " + why,
            "run it as root on a machine with the programs ip and wg, and wireguard-go where the kernel has no "
            "WireGuard"};
}

std::vector<Finding> use_tunnel(const protocol::ClientConfig& config, const TrialInterface& interface,
                                const TunnelWaits& waits, const std::optional<std::string>& fetch_url,
                                const Result<std::string>& resolved)
{
    std::vector<Finding> findings;
    if (const auto up = bring_up(interface.name(), config); !up) {
        findings.push_back(handshake_not_tried("the interface does not come up: " + up.error().detail));
        return findings;
    }
    const auto took = await_handshake(interface.name(), waits.handshake);
    if (!took) {
        findings.push_back({"handshake", Level::fail,
                            "none with " + cli::printable(config.endpoint, 100) + " within " +
                                std::to_string(waits.handshake.count() / 1000) + " s",
                            "open the endpoint's UDP port in the firewall, see that it is the device's, that "
                            "server_pubkey is the device's key, and that endpoint_host leads to this machine"});
        return findings;
    }
    findings.push_back({"handshake", Level::ok,
                        "with " + cli::printable(config.endpoint, 100) + " after " + std::to_string(took->count()) +
                            " ms (" + interface.kind() + ")"});
    findings.push_back(look_at_dns(config, waits.name));
    if (!fetch_url) return findings;
    if (resolved)
        findings.push_back(fetch(*fetch_url, *resolved, waits.fetch));
    else
        findings.push_back({"throughput", Level::warn, "not measured: " + resolved.error().detail, "name another URL"});
    return findings;
}

} // namespace

std::string tunnel_missing()
{
    for (const char* name : {"ip", "wg"})
        if (wg::find_program(name).empty()) return std::string("the program ") + name + " is not installed";
    const auto elsewhere = Elsewhere::open();
    return elsewhere ? "" : elsewhere.error().detail;
}

std::vector<Finding> try_tunnel(const protocol::ClientConfig& config, const std::optional<std::string>& fetch_url,
                                const TunnelWaits& waits)
{
    if (const std::string missing = tunnel_missing(); !missing.empty()) return {handshake_not_tried(missing)};
    const auto endpoint = resolve_endpoint(config.endpoint, waits.name);
    if (!endpoint)
        return {{"handshake", Level::fail, endpoint.error().detail,
                 "set [wireguard].endpoint_host to an address, or to a name that resolves everywhere"}};
    const Result<std::string> resolved = fetch_url ? resolve_for_curl(*fetch_url, waits.name) : std::string();

    auto elsewhere = Elsewhere::open();
    auto interface = TrialInterface::make();
    if (!elsewhere) return {handshake_not_tried(elsewhere.error().detail)};
    if (!interface) return {handshake_not_tried(interface.error().detail)};
    std::string text = wg_text(config, *endpoint);
    const auto set = run_well("wg", {"setconf", (*interface)->name(), "/dev/stdin"}, text);
    sodium_memzero(text.data(), text.size());
    if (!set) return {handshake_not_tried("wg does not take the config")}; // its words may repeat a key
    if (const auto moved = (*interface)->move_to(**elsewhere); !moved)
        return {handshake_not_tried("the interface can not be moved: " + moved.error().detail)};
    return (*elsewhere)->run([&] { return use_tunnel(config, **interface, waits, fetch_url, resolved); });
}

} // namespace adit::operate
