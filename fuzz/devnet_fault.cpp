#include "base/bytes.h"
#include "devnet/faults.h"

#include "protocol/json.h"

#include <nlohmann/json.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    const auto object = adit::protocol::parse_json(adit::as_text({bytes, size}));
    if (!object) return 0;
    const auto fault = adit::devnet::parse_fault(*object);
    if (fault) CHECK(!fault->endpoint.empty() && fault->status >= 100 && fault->status <= 599);
    return 0;
}
