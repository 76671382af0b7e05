// payments/cashu/nut20.h - the signature that proves whose mint quote it is. NUT-20.
#pragma once

#include "payments/cashu/proof.h"
#include "protocol/keys.h"

#include <span>

namespace adit::payments::cashu {

/// Current mints verify the amended form; older ones only the legacy one, and answer 20008 to the other.
enum class QuoteMessage { amended, legacy };

/// The bytes whose SHA-256 is signed.
Bytes mint_quote_message(QuoteMessage form, std::string_view quote, std::span<const BlindedMessage> outputs);
protocol::Signature sign_mint_quote(QuoteMessage form, std::string_view quote, std::span<const BlindedMessage> outputs,
                                    const protocol::SecretKey& key, Rng& rng);
bool verify_mint_quote(QuoteMessage form, std::string_view quote, std::span<const BlindedMessage> outputs,
                       const Point& key, const protocol::Signature& signature);

} // namespace adit::payments::cashu
