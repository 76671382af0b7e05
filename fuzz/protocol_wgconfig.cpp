// The config that a stranger delivered. What is accepted is rendered anew, is read again as the same, and holds no key
// of wg-quick that runs a command.
#include "base/check.h"
#include "protocol/wg_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace adit::protocol;
    const auto config = parse_config(adit::as_text({data, size}));
    if (!config) return 0;
    const std::string text = render_config(*config, {});
    for (const auto* word : {"Up", "Down", "SaveConfig", "Table"}) {
        const auto at = text.find(std::string("\n") + word);
        CHECK(at == std::string::npos);
    }
    CHECK(text.find("\nPost") == std::string::npos && text.find("\nPre") == text.find("\nPresharedKey"));
    const auto again = parse_config(text);
    CHECK(again);
    CHECK(render_config(*again, {}) == text);
    return 0;
}
