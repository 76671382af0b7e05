// wg/nft.h - the packet filter of the host, through the `nft` program.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace adit::wg {

class Nft {
public:
    virtual ~Nft() = default;
    /// One transaction: all of it or nothing. Errors: bad_config (no such program), device_unavailable (refused, or not
    /// done in 10 s; the detail has nft's first line).
    virtual Result<void> load(std::string_view text) = 0;
    /// The rules of a table in the family inet, without the elements of its sets; none if there is no such table.
    /// Errors: as load.
    virtual Result<std::optional<std::string>> show(const std::string& table) = 0;
};

/// The program of this machine, in the network namespace of the calling thread. Needs CAP_NET_ADMIN.
class NftProgram final : public Nft {
public:
    Result<void> load(std::string_view text) override;
    Result<std::optional<std::string>> show(const std::string& table) override;
};

} // namespace adit::wg
