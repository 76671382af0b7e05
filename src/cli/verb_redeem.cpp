#include "cli/purchase_command.h"
#include "cli/verbs.h"

#include <nlohmann/json.hpp>

namespace adit::cli {

namespace {

constexpr std::string_view kRedeemHelp =
    "adit redeem FILE [--json]\n"
    "\n"
    "Change and refunds are locked to a key in the purchase file. This swaps them, at their mint, to a token that any\n"
    "wallet can receive, and prints it. A payment that the operator never took can be taken back from its locktime "
    "on.\n"
    "It may be called again after a crash; what was redeemed before is printed again.\n"
    "\n"
    "  FILE     the purchase file that `adit buy` named\n"
    "  --json   JSON instead of lines\n"
    "\n"
    "  adit redeem ~/.local/share/adit/purchases/20261120-1855-3f2a.json\n";

constexpr Option kRedeemOptions[]{{"--json", Option::Takes::nothing}};

int redeem(const Arguments& arguments, Terminal& terminal)
{
    if (arguments.rest().size() != 1) return usage_error(terminal, "redeem", "takes one purchase file");
    return redeem_file(arguments.rest().front(), arguments.has("--json"), terminal);
}

} // namespace

const Verb kRedeem{"redeem", "makes change or a refund spendable", kRedeemHelp, kRedeemOptions, &redeem};

} // namespace adit::cli
