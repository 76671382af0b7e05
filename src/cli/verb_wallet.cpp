#include "cli/wallet.h"

namespace adit::cli {

namespace {

constexpr std::string_view kWalletHelp =
    "adit wallet balance [--json]\n"
    "adit wallet balance --nsec-file FILE --relay URL... [--json]\n"
    "adit wallet history [--limit N] [--before PLACE] [--json]\n"
    "adit wallet transfer NUMBER [--json]\n"
    "adit wallet send SATS [--mint URL] [--lock KEY] [--json]\n"
    "adit wallet withdraw INVOICE [--mint URL] [--max-fee SATS] [--json]\n"
    "adit wallet withdraw SATS ADDRESS [--mint URL] [--max-fee SATS] [--json]\n"
    "adit wallet audit [--online] [--json]\n"
    "\n"
    "The operator's money. All but the second line talk to the daemon on this machine; that one reads the wallet back\n"
    "from relays, as any NIP-60 wallet does, and does not see what other wallets spent without telling them.\n"
    "\n"
    "  balance    what is at each mint: to be moved, on its way, and owed to buyers\n"
    "  history    sales and transfers with their fees, newest first\n"
    "  transfer   one transfer, with its token or the proof that an invoice was paid\n"
    "  send       a token, printed when it is made; the mint's fee for it comes on top\n"
    "  withdraw   pays an invoice, or an amount to a Lightning address. Where the mint does not answer, the daemon "
    "goes\n"
    "             on by itself: look at it with `adit wallet transfer`; the same invoice is never paid twice\n"
    "  audit      where every sat is that ever came in, from the daemon's own rows. Ends with 1 if a row is wrong\n"
    "\n"
    "  --mint URL         of which mint; else the first of the config that has enough\n"
    "  --max-fee SATS     what routing and the mint may take together (default: 1 %, and no less than 10)\n"
    "  --lock KEY         npub or hex: only this key can spend the token, for 90 days; then the wallet can too\n"
    "  --online           asks the mints, too, whether what is unspent is unspent\n"
    "  --limit N          lines of a page, 1 to 200 (default: 50)\n"
    "  --before PLACE     the next page, as the last one ends\n"
    "  --socket PATH      [admin].socket of the daemon's config (default: /var/lib/adit/admin.sock)\n"
    "  --nsec-file FILE   the operator's key, as [nostr].nsec_file; only its owner may read it\n"
    "  --relay URL        repeatable; name every relay that the daemon writes to\n"
    "  --json             the daemon's own answer\n"
    "\n"
    "  adit wallet withdraw 50000 name@example.com --max-fee 200\n"
    "  adit wallet balance --nsec-file /etc/adit/secret/nsec --relay wss://relay.example.com\n";

constexpr Option kWalletOptions[]{{"--nsec-file"}, {"--relay", Option::Takes::values},   {"--mint"},  {"--max-fee"},
                                  {"--lock"},      {"--online", Option::Takes::nothing}, {"--limit"}, {"--before"},
                                  {"--socket"},    {"--json", Option::Takes::nothing}};

int wallet(const Arguments& arguments, Terminal& terminal)
{
    const std::string what = arguments.rest().empty() ? "" : arguments.rest().front();
    const bool of_relays = arguments.value("--nsec-file") || !arguments.values("--relay").empty();
    if (what == "balance" && of_relays && arguments.rest().size() == 1) return balance_of_relays(arguments, terminal);
    if (of_relays) return usage_error(terminal, "wallet", "only `balance` can be read from relays");
    if (what == "balance") return wallet_balance(arguments, terminal);
    if (what == "history") return wallet_history(arguments, terminal);
    if (what == "transfer") return wallet_transfer(arguments, terminal);
    if (what == "send") return wallet_send(arguments, terminal);
    if (what == "withdraw") return wallet_withdraw(arguments, terminal);
    if (what == "audit") return wallet_audit(arguments, terminal);
    return usage_error(terminal, "wallet", "it can do: balance, history, transfer, send, withdraw, audit");
}

} // namespace

const Verb kWallet{"wallet", "the operator's money: balance, history, send, withdraw, audit", kWalletHelp,
                   kWalletOptions, &wallet};

} // namespace adit::cli
