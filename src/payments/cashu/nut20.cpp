#include "payments/cashu/nut20.h"

#include "base/hash.h"
#include "payments/cashu/curve.h"

namespace adit::payments::cashu {
namespace {

/// Without leading zeros; nothing for 0.
Bytes minimal_be(std::uint64_t value)
{
    Bytes full;
    append_u64_be(full, value);
    std::size_t zeros = 0;
    while (zeros < full.size() && full[zeros] == 0) ++zeros;
    full.erase(full.begin(), full.begin() + static_cast<std::ptrdiff_t>(zeros));
    return full;
}

void append_counted(Bytes& out, ByteView bytes)
{
    append_u32_be(out, static_cast<std::uint32_t>(bytes.size()));
    append(out, bytes);
}

} // namespace

Bytes mint_quote_message(QuoteMessage form, std::string_view quote, std::span<const BlindedMessage> outputs)
{
    Bytes message;
    switch (form) {
    case QuoteMessage::legacy:
        append(message, as_bytes(quote));
        for (const BlindedMessage& output : outputs) append(message, as_bytes(output.b.hex()));
        break;
    case QuoteMessage::amended:
        append(message, as_bytes("Cashu_MintQuoteSig_v1"));
        append_counted(message, as_bytes(quote));
        for (const BlindedMessage& output : outputs) {
            append_counted(message, minimal_be(output.amount.count()));
            append_counted(message, output.b.bytes());
        }
        break;
    }
    return message;
}

protocol::Signature sign_mint_quote(QuoteMessage form, std::string_view quote, std::span<const BlindedMessage> outputs,
                                    const protocol::SecretKey& key, Rng& rng)
{
    return protocol::sign(key, sha256(mint_quote_message(form, quote, outputs)), rng);
}

bool verify_mint_quote(QuoteMessage form, std::string_view quote, std::span<const BlindedMessage> outputs,
                       const Point& key, const protocol::Signature& signature)
{
    return protocol::verify(x_only(key), sha256(mint_quote_message(form, quote, outputs)), signature);
}

} // namespace adit::payments::cashu
