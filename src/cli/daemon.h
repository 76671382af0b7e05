// cli/daemon.h - talking to aditd on this machine, over its admin socket. spec: Admin socket
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace adit::cli {

/// [admin].socket where the config names none.
inline constexpr const char* kDefaultSocket = "/var/lib/adit/admin.sock";

/// Blocking: sends {"command": …} to the daemon behind `path` and gives its answer, an object whose `ok` is true.
/// Errors: io (the daemon is not running, or does not answer within `patience`); policy (it refuses, in its own words,
/// made printable).
Result<nlohmann::json> ask_daemon(const std::filesystem::path& path, const nlohmann::json& request,
                                  Seconds patience = Seconds(10));

} // namespace adit::cli
