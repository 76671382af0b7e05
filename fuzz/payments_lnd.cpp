// What LND answers, and its streams cut into pieces of any size.
#include "payments/lightning/lnd_json.h"
#include "payments/lightning/node_http.h"

using namespace adit;
using namespace adit::payments::lightning;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = as_text({data, size});
    static_cast<void>(parse_lnd_made(text));
    static_cast<void>(parse_lnd_invoice(text));
    static_cast<void>(parse_lnd_info(text));
    const LndFailure failure = read_lnd_failure(text);
    static_cast<void>(says_unknown_invoice(failure));
    CHECK(fit_for_log(failure.message).size() <= 200);

    // However it is cut, the lines are the same.
    std::vector<std::string> whole, pieces;
    LndLines at_once, bit_by_bit;
    at_once.feed(text, [&](std::string_view line) {
        whole.emplace_back(line);
        static_cast<void>(parse_lnd_stream_line(line));
        return true;
    });
    const std::size_t step = size == 0 ? 1 : 1 + data[0] % 7U;
    for (std::size_t at = 0; at < size; at += step)
        bit_by_bit.feed(text.substr(at, step), [&](std::string_view line) {
            pieces.emplace_back(line);
            return true;
        });
    CHECK(size > LndLines::kMaxLine || whole == pieces);
    CHECK(size > LndLines::kMaxLine || at_once.torn() == bit_by_bit.torn());
    return 0;
}
