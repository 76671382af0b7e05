#include "wg/nft.h"

#include "wg/program.h"

namespace adit::wg {

namespace {

constexpr Milliseconds kNftLimit{10'000};
constexpr std::size_t kWordsOfNft = 300;

Result<ProgramEnd> run_nft(const std::vector<std::string>& arguments, std::string_view input)
{
    auto end = run_program("nft", arguments, input, kNftLimit);
    if (!end && end.error().reason == Reason::not_found)
        return Error{Reason::bad_config, "the program nft is not installed (/usr/sbin/nft), which wireguard.manage "
                                         "needs: apt-get install nftables"};
    if (!end) return Error{Reason::device_unavailable, end.error().detail};
    return end;
}

Error refusal(const ProgramEnd& end)
{
    std::string words = end.errors.substr(0, std::min(end.errors.find('\n'), kWordsOfNft));
    if (words.find("not permitted") != std::string::npos) words += " (CAP_NET_ADMIN is needed)";
    return Error{Reason::device_unavailable, "nft refused, status " + std::to_string(end.status) + ": " + words};
}

} // namespace

Result<void> NftProgram::load(std::string_view text)
{
    const auto end = TRY(run_nft({"-f", "-"}, text));
    if (end.status != 0) return refusal(end);
    return {};
}

Result<std::optional<std::string>> NftProgram::show(const std::string& table)
{
    auto end = TRY(run_nft({"-s", "-t", "list", "table", "inet", table}, ""));
    if (end.status == 0) return std::optional(std::move(end.output));
    if (end.errors.find("No such file or directory") != std::string::npos) return std::optional<std::string>();
    return refusal(end);
}

} // namespace adit::wg
