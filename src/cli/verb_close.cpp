#include "cli/purchase_command.h"
#include "cli/verbs.h"

namespace adit::cli {

namespace {

constexpr std::string_view kCloseHelp = "adit close FILE [--yes] [--json]\n"
                                        "\n"
                                        "Ends a tunnel before its time, and takes back what is unused of it, where the "
                                        "operator gives that back: as a token,\n"
                                        "kept in the purchase file, for `adit redeem`. An operator who does not leaves "
                                        "the tunnel as it is. It may be called\n"
                                        "again after a crash: the answer is the same.\n"
                                        "\n"
                                        "  FILE     the purchase file that `adit buy` named\n"
                                        "  --yes    do not ask\n"
                                        "  --json   JSON instead of lines\n"
                                        "\n"
                                        "  adit close ~/.local/share/adit/purchases/20261120-1855-3f2a.json\n";

constexpr Option kCloseOptions[]{{"--yes", Option::Takes::nothing}, {"--json", Option::Takes::nothing}};

int close(const Arguments& arguments, Terminal& terminal)
{
    if (arguments.rest().size() != 1) return usage_error(terminal, "close", "takes one purchase file");
    if (!arguments.has("--yes")) {
        if (!terminal.can_ask())
            return usage_error(terminal, "close", "without a terminal it wants --yes: the tunnel ends at once");
        if (!terminal.confirm("End the tunnel now?")) return failure(terminal, "not closed");
    }
    return close_file(arguments.rest().front(), arguments.has("--json"), terminal);
}

} // namespace

const Verb kClose{"close", "ends a tunnel early, for what is unused", kCloseHelp, kCloseOptions, &close};

} // namespace adit::cli
