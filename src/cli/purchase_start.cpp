#include "cli/purchase_start.h"

#include "base/file.h"
#include "base/rng.h"
#include "cli/printable.h"
#include "protocol/nip19.h"

#include <cstdlib>
#include <iostream>

namespace adit::cli {

Result<std::optional<std::string>> read_token(const Arguments& arguments)
{
    const auto given = arguments.value("--token");
    const auto file = arguments.value("--token-file");
    if (!given && !file) return std::optional<std::string>();
    if (given && file) return Error{Reason::bad_request, "--token or --token-file, not both"};
    std::string text;
    if (file) {
        text = TRY(read_file(*file, kMostTokenBytes));
    } else if (*given == "-") {
        char block[4096];
        while (text.size() <= kMostTokenBytes && std::cin.read(block, sizeof block).gcount() > 0)
            text.append(block, static_cast<std::size_t>(std::cin.gcount()));
    } else {
        text = *given;
    }
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; });
    return std::optional(text);
}

Result<std::filesystem::path> new_purchase_file(UnixSeconds now)
{
    const char* const data = std::getenv("XDG_DATA_HOME");
    const char* const home = std::getenv("HOME");
    if (!(data && *data == '/') && !(home && *home == '/'))
        return Error{Reason::bad_config, "neither HOME nor XDG_DATA_HOME is set; name a file with --file"};
    const auto folder =
        (data && *data == '/' ? std::filesystem::path(data) : std::filesystem::path(home) / ".local" / "share") /
        "adit" / "purchases";
    std::error_code error;
    std::filesystem::create_directories(folder, error); // under umask 077
    if (error) return Error{Reason::io, "cannot make " + folder.string() + ": " + error.message()};
    std::string time = to_iso8601(now).substr(0, 16); // 2026-11-20T18:55
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    return folder / (time.replace(8, 1, "-") + "-" + encode_hex(system_rng().bytes<4>()) + ".json");
}

void show_offer(const Offer& offer, Terminal& terminal)
{
    const auto cost = times(offer.unit_price, offer.quantity);
    terminal.say(fitted("Tunnel", 10) + printable(offer.title, 200));
    terminal.say(fitted("Operator", 10) + protocol::encode_npub(offer.listing.author));
    terminal.say(fitted("Price", 10) + std::to_string(cost ? cost->count() : 0) + " sat for " +
                 std::to_string(offer.quantity) + " " + printable(offer.price.unit, 16) +
                 (offer.lock ? ", and the mint's fees" : ""));
    if (offer.lock) terminal.say(fitted("Mint", 10) + offer.mint);
    terminal.say(fitted("Endpoint", 10) + offer.endpoint);
    if (offer.endpoint.starts_with("http://"))
        terminal.say("The endpoint has no TLS: whoever is on the way can read the request.");
}

} // namespace adit::cli
