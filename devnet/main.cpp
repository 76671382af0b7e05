// adit-devnet: a Nostr relay, a Cashu mint and Lightning backends of pretended money, for demonstrations, tests and
// benchmarks.
#include "base/log.h"
#include "devnet/world.h"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <pthread.h>

namespace {

using adit::devnet::World;
using adit::devnet::WorldOptions;

constexpr const char* kHelp =
    R"(adit-devnet: a Nostr relay, a Cashu mint and Lightning backends in memory. Its money is worth nothing, it forgets
everything.

  --relay-port N    port of the relay (default: any free one)
  --mint-port N     port of the mint
  --phoenixd-port N port of the look-alike of phoenixd
  --lnd-port N      port of the look-alike of LND
  --lightning-dir D where their passwords, macaroons and certificate are left, 0600 (default: a temporary folder,
                    removed at the end)
  --control-port N  port that faults are set on and facts read from: see devnet/README.md
  --fee-ppk N       input fee of the mint, in thousandths of a sat for each proof (default 0)
  --host ADDRESS    what to listen on (default 127.0.0.1)

When all listen, one line of JSON with their URLs is printed. It runs until SIGINT or SIGTERM.

  adit-devnet --mint-port 3338 --fee-ppk 100
)";

/// False: not a number up to `most`.
template<typename Number>
bool read_number(std::string_view text, std::uint64_t most, Number& out)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > most) return false;
    out = static_cast<Number>(value);
    return true;
}

bool read_flag(std::string_view flag, std::string_view value, WorldOptions& options)
{
    if (flag == "--relay-port") return read_number(value, 65535, options.relay_port);
    if (flag == "--mint-port") return read_number(value, 65535, options.mint_port);
    if (flag == "--control-port") return read_number(value, 65535, options.control_port);
    if (flag == "--phoenixd-port") return read_number(value, 65535, options.phoenixd_port);
    if (flag == "--lnd-port") return read_number(value, 65535, options.lnd_port);
    if (flag == "--fee-ppk") return read_number(value, 1'000'000, options.mint.fee_ppk);
    if (flag == "--host") {
        options.host = value;
        return true;
    }
    if (flag == "--lightning-dir") {
        options.lightning_dir = value;
        return !value.empty();
    }
    return false;
}

} // namespace

int main(int count, char** arguments)
{
    WorldOptions options;
    for (int i = 1; i < count; i += 2) {
        const std::string_view flag = arguments[i];
        if (flag == "--help" || flag == "-h") {
            std::fputs(kHelp, stdout);
            return 0;
        }
        if (i + 1 == count || !read_flag(flag, arguments[i + 1], options)) {
            std::fprintf(stderr, "adit-devnet: %s: not understood; --help lists what is\n", arguments[i]);
            return 2;
        }
    }

    // Blocked before the world's thread is made, so that they wait for sigwait() below.
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    adit::log_to_stderr(adit::LogLevel::info);

    const auto world = World::start(options);
    if (!world) {
        std::fprintf(stderr, "adit-devnet: %s\n", world.error().detail.c_str());
        return 1;
    }
    const World& started = **world;
    const nlohmann::ordered_json urls{
        {"relay", started.relay_url()},
        {"mint", started.mint_url()},
        {"control", started.control_url()},
        {"phoenixd", started.phoenixd_url()},
        {"phoenixd_password_file", started.phoenixd_password_file().string()},
        {"phoenixd_limited_password_file", started.phoenixd_limited_password_file().string()},
        {"lnd", started.lnd_url()},
        {"lnd_macaroon_file", started.lnd_macaroon_file().string()},
        {"lnd_admin_macaroon_file", started.lnd_admin_macaroon_file().string()},
        {"lnd_tls_cert_file", started.lnd_tls_cert_file().string()},
    };
    std::printf("%s\n", urls.dump().c_str());
    std::fflush(stdout);
    int signal = 0;
    sigwait(&ends, &signal);
    return 0;
}
