// What phoenixd answers, and what its websocket tells.
#include "payments/lightning/phoenixd_json.h"

using namespace adit;
using namespace adit::payments::lightning;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = as_text({data, size});
    if (const auto invoice = parse_phoenixd_invoice(text)) CHECK(!invoice->serialized.empty());
    static_cast<void>(parse_phoenixd_payment(text));
    static_cast<void>(parse_phoenixd_network(text));
    static_cast<void>(parse_phoenixd_event(text));
    return 0;
}
