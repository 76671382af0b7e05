// Answers of a mint, and the requests that a test mint reads.
#include "payments/cashu/keyset.h"
#include "payments/cashu/keyset_book.h"
#include "payments/cashu/mint_json.h"
#include "payments/cashu/mint_url.h"

using namespace adit;
using namespace adit::payments::cashu;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = as_text(ByteView(data, size));
    if (const auto signatures = parse_signatures(text))
        CHECK(parse_signatures(encode_signatures(*signatures)).has_value());
    if (const auto restored = parse_restored(text)) CHECK(parse_restored(encode_restored(*restored)).has_value());
    if (const auto states = parse_proof_states(text))
        CHECK(parse_proof_states(encode_proof_states(*states)).has_value());
    if (const auto swap = parse_swap(text)) CHECK(parse_swap(encode_swap(swap->inputs, swap->outputs)).has_value());
    if (const auto keysets = parse_keys(text)) CHECK(parse_keys(encode_keys(*keysets)).has_value());
    if (const auto refusal = parse_refusal(400, text)) CHECK(parse_refusal(400, encode_refusal(*refusal)).has_value());
    if (const auto url = normalise_mint_url(text)) CHECK(normalise_mint_url(*url).value() == *url);
    (void)parse_keysets(text);
    (void)parse_mint_quote(text);
    if (const auto melt = parse_melt(text))
        CHECK(parse_melt(encode_melt(melt->quote, melt->inputs, melt->blanks)).has_value());
    (void)parse_melt_quote(text);
    (void)parse_info(text);
    (void)parse_restore(text);
    (void)parse_check_state(text);
    (void)parse_mint(text);
    (void)parse_proofs(text);
    (void)KeysetBook().load(text);
    return 0;
}
