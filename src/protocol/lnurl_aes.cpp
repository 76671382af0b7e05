#include "protocol/lnurl_aes.h"

#include <memory>
#include <openssl/evp.h>
#include <optional>

namespace adit::protocol {

namespace {

constexpr std::size_t kBlock = 16;
constexpr std::size_t kMaxCiphertext = 4096; // bytes; wallets take no more, and it fits LUD-10's 4 kB
constexpr std::size_t kMaxCiphertextText = (kMaxCiphertext + 2) / 3 * 4; // looked at before anything is decoded
constexpr std::size_t kIvText = 24;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Context make_cipher()
{
    Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    CHECK(context != nullptr);
    return context;
}

Bytes encrypt(const SecretBytes<32>& key, const ByteArray<kBlock>& iv, ByteView plaintext)
{
    const Context context = make_cipher();
    Bytes out(plaintext.size() + kBlock);
    int body = 0;
    int tail = 0;
    CHECK(EVP_EncryptInit_ex(context.get(), EVP_aes_256_cbc(), nullptr, key.expose().data(), iv.data()) == 1);
    CHECK(EVP_EncryptUpdate(context.get(), out.data(), &body, plaintext.data(), static_cast<int>(plaintext.size())) ==
          1);
    CHECK(EVP_EncryptFinal_ex(context.get(), out.data() + body, &tail) == 1);
    out.resize(static_cast<std::size_t>(body) + static_cast<std::size_t>(tail));
    return out;
}

/// None where the padding is not PKCS#7.
std::optional<std::string> decrypt(const SecretBytes<32>& key, ByteView iv, ByteView ciphertext)
{
    const Context context = make_cipher();
    std::string out(ciphertext.size() + kBlock, '\0');
    auto* const bytes = reinterpret_cast<unsigned char*>(out.data());
    int body = 0;
    int tail = 0;
    CHECK(EVP_DecryptInit_ex(context.get(), EVP_aes_256_cbc(), nullptr, key.expose().data(), iv.data()) == 1);
    CHECK(EVP_DecryptUpdate(context.get(), bytes, &body, ciphertext.data(), static_cast<int>(ciphertext.size())) == 1);
    if (EVP_DecryptFinal_ex(context.get(), bytes + body, &tail) != 1) return std::nullopt;
    out.resize(static_cast<std::size_t>(body) + static_cast<std::size_t>(tail));
    return out;
}

Error unreadable(std::string_view what) { return Error{Reason::bad_encoding, "aes action: " + std::string(what)}; }

} // namespace

Result<AesAction> seal_aes(const SecretBytes<32>& preimage, std::string_view plaintext, std::string description,
                           Rng& rng)
{
    if (plaintext.size() > kMaxAesPlaintext) return Error{Reason::bad_request, "too long for an aes action"};
    if (description.size() > kMaxActionDescription) return Error{Reason::bad_request, "a description too long"};
    const auto iv = rng.bytes<kBlock>();
    return AesAction{std::move(description), encode_base64(encrypt(preimage, iv, as_bytes(plaintext))),
                     encode_base64(iv)};
}

Result<std::string> open_aes(const SecretBytes<32>& preimage, const AesAction& action)
{
    if (action.iv.size() != kIvText) return unreadable("an iv that has not 16 bytes");
    if (action.ciphertext.size() > kMaxCiphertextText) return unreadable("too long");
    const Bytes iv = TRY(parse_base64(action.iv));
    const Bytes ciphertext = TRY(parse_base64(action.ciphertext));
    if (iv.size() != kBlock) return unreadable("an iv that has not 16 bytes");
    if (ciphertext.empty() || ciphertext.size() % kBlock != 0) return unreadable("no whole number of blocks");
    auto plaintext = decrypt(preimage, iv, ciphertext);
    if (!plaintext) return unreadable("wrong padding: another preimage, or altered");
    if (!is_utf8(*plaintext)) return unreadable("no text inside");
    return std::move(*plaintext);
}

} // namespace adit::protocol
