// What a stranger's server may answer a look with: as /info, /health, the answer to a purchase without payment, an
// LNURL offer, its callback, a relay's NIP-11 document, and a name server's packet. Whatever it is, some lines come of
// it, each with a check's name.
#include "base/check.h"
#include "operate/check_relays.h"
#include "operate/dns_question.h"
#include "operate/lnurl_look.h"
#include "operate/shop_look.h"

namespace {

using namespace adit;
using namespace adit::operate;

const Listed& listed()
{
    static const Listed its{
        protocol::PublicKey::parse_hex("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").value(),
        "exit-1",
        "Exit One",
        {"wireguard"},
        {{"21", "sat", "hour"}},
        {{"https://mint.example", "02", "https://vpn.example/purchase"}},
        {"https://vpn.example/lnurlp"}};
    return its;
}

void check_lines(const std::vector<Finding>& findings)
{
    CHECK(!findings.empty() && findings.size() < 100);
    for (const Finding& finding : findings) CHECK(!finding.check.empty() && finding.what.size() < 4'000);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    constexpr int kStatuses[]{200, 402, 404, 503};
    const std::string body(as_text({data + 1, size - 1}));
    const WebAnswer answer{.status = kStatuses[data[0] % 4], .headers = {{"x-cashu", body}}, .body = body};

    const InfoSeen info = judge_info("https://vpn.example/info", answer);
    check_lines({info.finding});
    if (info.info) check_lines(judge_info_against(listed(), *info.info, "https://vpn.example"));
    if (const auto health = judge_health(answer, listed().author)) check_lines({*health});

    check_lines(judge_unpaid({{.url = "https://vpn.example/purchase"}, listed().prices[0], listed().cashu[0]}, answer));

    const LnurlAsk ask{"https://vpn.example/lnurlp?p=0", Msat(21'000)};
    check_lines(judge_lnurl_offer(ask, answer).findings);
    check_lines({judge_lnurl_callback(ask.url, answer)});

    RelaySeen relay{.url = "wss://relay.example", .read = adit::nostr::Coverage::complete};
    if (auto rules = parse_relay_rules(body)) {
        relay.rules = std::move(*rules);
        check_lines(judge_relay(relay));
    }

    static_cast<void>(is_dns_answer({data, size}, 0x1234));
    return 0;
}
