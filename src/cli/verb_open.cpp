#include "cli/purchase_command.h"
#include "cli/verbs.h"

#include <iostream>

namespace adit::cli {

namespace {

constexpr std::string_view kOpenHelp =
    "adit open FILE LINK|CONFIG|PREIMAGE [--out FILE] [--qr] [--json]\n"
    "\n"
    "For a purchase over Lightning that a wallet has paid: takes what the wallet shows afterwards, reads the config in "
    "it\n"
    "with distrust, fills in the private key from the purchase file, and prints it (and nothing else, on standard "
    "output).\n"
    "\n"
    "  FILE       the purchase file that `adit buy --lightning` named\n"
    "  LINK       https://.../config-viewer#...; or the config itself, if the wallet shows that\n"
    "  PREIMAGE   64 hex digits, the payment's proof: opens the purchase where adit asked for the invoice itself\n"
    "  -          in place of these: read from standard input\n"
    "  --out FILE write the config there, mode 0600\n"
    "  --qr       show the config as a QR code as well\n"
    "  --json     the end of it as JSON on standard output\n"
    "\n"
    "  adit open ~/.local/share/adit/purchases/20261120-1855-3f2a.json "
    "'https://vpn.example.com/config-viewer#W0lu...'\n"
    "  adit open purchase.json - --out tunnel.conf < from-the-wallet.txt\n";

constexpr Option kOpenOptions[]{{"--out"}, {"--qr", Option::Takes::nothing}, {"--json", Option::Takes::nothing}};
constexpr std::size_t kMostBytes = 128 * 1024;

std::string read_standard_input()
{
    std::string text;
    char block[4096];
    while (text.size() <= kMostBytes && std::cin.read(block, sizeof block).gcount() > 0)
        text.append(block, static_cast<std::size_t>(std::cin.gcount()));
    return text;
}

int open_delivery(const Arguments& arguments, Terminal& terminal)
{
    if (arguments.rest().size() != 2)
        return usage_error(terminal, "open",
                           "takes a purchase file, and what the wallet shows (or - for standard input)");
    Showing showing;
    if (const auto out = arguments.value("--out")) showing.out = *out;
    showing.qr = arguments.has("--qr");
    showing.json = arguments.has("--json");
    const std::string& word = arguments.rest()[1];
    return open_file(arguments.rest()[0], word == "-" ? read_standard_input() : word, showing, terminal);
}

} // namespace

const Verb kOpenDelivery{"open", "opens what a wallet got for a tunnel", kOpenHelp, kOpenOptions, &open_delivery};

} // namespace adit::cli
