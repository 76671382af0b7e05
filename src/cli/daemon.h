// cli/daemon.h - talking to aditd on this machine, over its admin socket. spec: Admin socket
#pragma once

#include "base/result.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace adit::cli {

/// Blocking: sends {"command": …} to the daemon behind `path` and gives its JSON answer, one line without its end.
/// Errors: io (the daemon is not running, or does not answer within 10 s).
Result<std::string> ask_daemon(const std::filesystem::path& path, std::string_view command);

} // namespace adit::cli
