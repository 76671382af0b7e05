// cli/wallet.h - the parts of `adit wallet`. Internal to it.
#pragma once

#include "cli/verbs.h"

namespace adit::cli {

/// As relays have it, without a daemon.
int balance_of_relays(const Arguments& arguments, Terminal& terminal);

// As the daemon on this machine has it. `words` are those after the verb.
int wallet_balance(const Arguments& arguments, Terminal& terminal);
int wallet_history(const Arguments& arguments, Terminal& terminal);
int wallet_transfer(const Arguments& arguments, Terminal& terminal);
int wallet_send(const Arguments& arguments, Terminal& terminal);
int wallet_withdraw(const Arguments& arguments, Terminal& terminal);
/// Ends with kFailed where the books do not balance.
int wallet_audit(const Arguments& arguments, Terminal& terminal);

} // namespace adit::cli
