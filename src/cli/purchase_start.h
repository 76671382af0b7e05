// cli/purchase_start.h - what the verbs that buy read and say before a purchase begins.
#pragma once

#include "cli/arguments.h"
#include "cli/record.h"
#include "cli/terminal.h"

#include <filesystem>

namespace adit::cli {

/// --token or --token-file; "-" is standard input. None: neither. Errors: bad_request, io.
Result<std::optional<std::string>> read_token(const Arguments& arguments);

/// A new name in $XDG_DATA_HOME or ~/.local/share, and there in adit/purchases, which is made. Errors: bad_config, io.
Result<std::filesystem::path> new_purchase_file(UnixSeconds now);

void show_offer(const Offer& offer, Terminal& terminal);

} // namespace adit::cli
