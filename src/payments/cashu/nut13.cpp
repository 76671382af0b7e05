#include "payments/cashu/nut13.h"

#include "base/hash.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/keyset.h"
#include "protocol/secp.h"

#include <algorithm>

namespace adit::payments::cashu {
namespace {

using protocol::secp;

constexpr std::uint32_t kHardened = 0x8000'0000;
constexpr std::uint32_t kPurpose = 129372; // NUT-13: the code point of a peanut
constexpr std::uint64_t kMaxBip32Counter = 0x7fff'ffff;

Error bad_path(const char* what) { return Error{Reason::bad_encoding, what}; }

struct ExtendedKey {
    SecretBytes<32> key;
    SecretBytes<32> chain_code;
};

/// Takes an HMAC-SHA512 apart, and wipes it.
ExtendedKey halves(ByteArray<64>& digest)
{
    const std::span<const std::uint8_t, 64> view(digest);
    ExtendedKey out{SecretBytes<32>(view.first<32>()), SecretBytes<32>(view.last<32>())};
    sodium_memzero(digest.data(), digest.size());
    return out;
}

/// BIP-32, private to private.
Result<ExtendedKey> child(const ExtendedKey& parent, std::uint32_t index)
{
    Bytes message;
    if ((index & kHardened) != 0) {
        message.push_back(0);
        append(message, parent.key.expose());
    } else {
        append(message, TRY(public_point(parent.key)).bytes());
    }
    append_u32_be(message, index);
    ByteArray<64> digest = hmac_sha512(parent.chain_code.expose(), message);
    sodium_memzero(message.data(), message.size());

    ExtendedKey out = halves(digest);
    SecretBytes<32> key = parent.key.duplicate();
    if (secp256k1_ec_seckey_tweak_add(secp(), key.writable().data(), out.key.expose().data()) != 1)
        return bad_path("BIP-32 has no key there");
    out.key = std::move(key);
    return out;
}

std::uint32_t keyset_number(ByteView id)
{
    std::uint64_t value = 0;
    for (const std::uint8_t byte : id) value = value << 8 | byte;
    return static_cast<std::uint32_t>(value % 0x7fff'ffff);
}

Result<DerivedOutput> derive_bip32(const Seed& seed, ByteView id, std::uint64_t counter)
{
    if (counter > kMaxBip32Counter) return bad_path("the counter does not fit into a BIP-32 path");
    ByteArray<64> digest = hmac_sha512(as_bytes("Bitcoin seed"), seed.expose());
    ExtendedKey key = halves(digest);
    for (const std::uint32_t step : {kPurpose, 0U, keyset_number(id), static_cast<std::uint32_t>(counter)})
        key = TRY(child(key, step | kHardened));
    const ExtendedKey secret = TRY(child(key, 0));
    ExtendedKey r = TRY(child(key, 1));
    return DerivedOutput{encode_hex(secret.key.expose()), std::move(r.key)};
}

/// value mod n for any 256-bit value: it is below 2n, so one subtraction is enough.
SecretBytes<32> reduced(SecretBytes<32> value)
{
    static constexpr ByteArray<32> kOrder{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                          0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
    const auto bytes = value.writable();
    if (std::lexicographical_compare(bytes.begin(), bytes.end(), kOrder.begin(), kOrder.end())) return value;
    int borrow = 0;
    for (std::size_t i = 32; i-- > 0;) {
        const int digit = bytes[i] - kOrder[i] - borrow;
        borrow = digit < 0 ? 1 : 0;
        bytes[i] = static_cast<std::uint8_t>(digit + 256 * borrow);
    }
    return value;
}

Result<DerivedOutput> derive_hmac(const Seed& seed, ByteView id, std::uint64_t counter)
{
    Bytes message;
    append(message, as_bytes("Cashu_KDF_HMAC_SHA256"));
    append(message, id);
    append_u64_be(message, counter);
    message.push_back(0);
    Sha256 secret = hmac_sha256(seed.expose(), message);
    message.back() = 1;
    Sha256 blinding = hmac_sha256(seed.expose(), message);

    const SecretBytes<32> r = reduced(SecretBytes<32>(blinding));
    DerivedOutput out{encode_hex(secret), {}};
    sodium_memzero(secret.data(), secret.size());
    sodium_memzero(blinding.data(), blinding.size());
    out.r = TRY(scalar_from_bytes(r.expose()));
    return out;
}

} // namespace

Result<DerivedOutput> derive_output(const Seed& seed, std::string_view keyset_id, std::uint64_t counter)
{
    if (!is_complete_id(keyset_id)) return bad_path("not a complete keyset id");
    const Bytes id = TRY(parse_hex(keyset_id));
    return id[0] == 0 ? derive_bip32(seed, id, counter) : derive_hmac(seed, id, counter);
}

} // namespace adit::payments::cashu
