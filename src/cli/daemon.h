// cli/daemon.h - talking to aditd on this machine, over its admin socket. spec: Admin socket
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace adit::cli {

/// [admin].socket where the config names none.
inline constexpr const char* kDefaultSocket = "/var/lib/adit/admin.sock";

/// What a command takes that asks nobody else, and one that waits for a mint or a node.
inline constexpr Seconds kAnswersSoon{10};
inline constexpr Seconds kAnswersLate{120};

/// Blocking: sends {"command": …}, of 16 KiB at most, to the daemon behind `path` and gives its answer, an object whose
/// `ok` is true. Errors: io (the daemon is not running, or has not answered in whole within `patience`: what was asked
/// for may be done all the same); policy (it refuses, in its own words, made printable).
Result<nlohmann::json> ask_daemon(const std::filesystem::path& path, const nlohmann::json& request,
                                  Milliseconds patience = kAnswersSoon);

} // namespace adit::cli
