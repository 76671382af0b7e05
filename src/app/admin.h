// app/admin.h - the operator's own door: a Unix socket, one JSON line in, one JSON line out. Never on TCP.
// spec: Admin socket
#pragma once

#include "base/loop.h"
#include "base/result.h"
#include "base/workers.h"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace adit::app {

/// Called on a worker with the whole request, and may block for as long as it needs; gives the members of the answer as
/// JSON text (16 MiB at most), or why not, in words for the operator. It is done to its end though its caller be gone.
using AdminCommand = std::function<Result<std::string>(const nlohmann::json& request)>;
/// By the word in the request's `command`.
using AdminCommands = std::map<std::string, AdminCommand, std::less<>>;

/// Mode 0600 in a 0700 folder; peers of another user than ours or root are not served.
class AdminSocket {
public:
    /// On the loop thread or before the loop runs, as is the destructor: after that nobody new is served, and commands
    /// under way still get their answers out while the loop runs. Loop and workers must outlive it. A caller who makes
    /// no progress with its line, or with reading its answer, for `patience` is dropped.
    /// Errors: io (the folder or the socket can not be made, or another process listens there).
    static Result<std::unique_ptr<AdminSocket>> open(Loop& loop, Workers& workers, const std::filesystem::path& path,
                                                     AdminCommands commands, Milliseconds patience = Seconds(10));
    ~AdminSocket();
    AdminSocket(const AdminSocket&) = delete;
    AdminSocket& operator=(const AdminSocket&) = delete;

private:
    struct Core;
    explicit AdminSocket(std::shared_ptr<Core> core);
    std::shared_ptr<Core> core_; // shared with connections that are watched, and commands under way
};

} // namespace adit::app
