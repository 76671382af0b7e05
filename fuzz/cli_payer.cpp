// What a Lightning node says of a payment that the buyer has told it to make.
#include "base/check.h"
#include "cli/payer_lnd.h"
#include "cli/payer_phoenixd.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace adit::cli;
    const std::string_view text = adit::as_text({data, size});
    const auto fits = [](const PaymentStatus& status) {
        return status.state == PaymentStatus::State::paid || !status.preimage;
    };
    if (const auto answer = parse_lnd_answer(text)) {
        CHECK(answer->status || answer->code != 0);
        CHECK(!answer->status || fits(*answer->status));
    }
    if (const auto paid = parse_phoenixd_paid(text)) CHECK(fits(*paid));
    if (const auto outgoing = parse_phoenixd_outgoing(text)) CHECK(fits(*outgoing));
    return 0;
}
