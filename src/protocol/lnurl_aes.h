// protocol/lnurl_aes.h - what a payer gets for an invoice, readable only with its preimage. LUD-09, LUD-10
#pragma once

#include "base/rng.h"
#include "base/secret.h"

#include <string>
#include <string_view>

namespace adit::protocol {

/// AES-256-CBC with PKCS#7 under the invoice's preimage. LUD-10
struct AesAction {
    std::string description; // at most 144 characters
    std::string ciphertext;  // base64
    std::string iv;          // base64, 24 characters
};
inline constexpr std::size_t kMaxActionDescription = 144;
inline constexpr std::size_t kMaxAesPlaintext = 3071; // bytes: 4096 characters of base64
/// Errors: bad_request (longer than that).
Result<AesAction> seal_aes(const SecretBytes<32>& preimage, std::string_view plaintext, std::string description,
                           Rng& rng);
/// Errors: bad_encoding (base64, length, padding, not UTF-8).
Result<std::string> open_aes(const SecretBytes<32>& preimage, const AesAction& action);

} // namespace adit::protocol
