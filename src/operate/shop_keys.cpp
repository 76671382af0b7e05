#include "operate/shop_keys.h"

#include "base/ascii.h"
#include "base/crash_point.h"
#include "payments/cashu/bip39.h"
#include "protocol/nip19.h"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>

namespace adit::operate {

namespace {

namespace cashu = payments::cashu;

constexpr std::size_t kMostKeyBytes = 4096;

Error unusable(const std::filesystem::path& path, const std::string& what)
{
    return Error{Reason::bad_config, path.string() + " " + what};
}

/// Without blanks around it. Errors: bad_config, io.
Result<SecretText> read_closed(const std::filesystem::path& path)
{
    if (TRY(openness(path)) != FileOpenness::closed)
        return unusable(path, "holds a secret, and others may read or change it: chmod 600 it");
    std::string text = TRY(read_file(path, kMostKeyBytes));
    std::string inner(trimmed(text, " \t\r\n"));
    SecretText::wipe(text);
    if (inner.empty()) return unusable(path, "is there but empty, as after a crash: move it away and start again");
    return SecretText(std::move(inner));
}

/// None where there is nothing of that name.
Result<std::optional<SecretText>> read_existing(const std::filesystem::path& path)
{
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return std::optional<SecretText>();
        return Error{Reason::io, "cannot look at " + path.string() + ": " + std::strerror(errno)};
    }
    if (S_ISLNK(status.st_mode)) return unusable(path, "is a link: put the file itself there");
    if (!S_ISREG(status.st_mode)) return unusable(path, "is no file: move it away");
    return std::optional<SecretText>(TRY(read_closed(path)));
}

/// Of one kind of secret: how it is read and written, and made.
template<typename Key>
struct Kind {
    const char* file;
    const char* what;
    Result<Key> (*parse)(const std::string& text);
    std::string (*encode)(const Key& key);
    Key (*make)(Rng& rng);
};

Result<protocol::SecretKey> parse_nsec_or_hex(const std::string& text) { return protocol::parse_secret_key(text); }
std::string encode_hex_key(const protocol::SecretKey& key) { return encode_hex(key.expose()); }

Result<protocol::WireguardSecret> parse_tunnel_key(const std::string& text)
{
    auto bytes = TRY(parse_base64(text));
    if (bytes.size() != 32) return Error{Reason::bad_encoding, "not 32 bytes"};
    protocol::WireguardSecret secret{std::span<const std::uint8_t, 32>(bytes.data(), 32)};
    sodium_memzero(bytes.data(), bytes.size());
    return secret;
}
std::string encode_tunnel_key(const protocol::WireguardSecret& key) { return encode_base64(key.expose()); }

/// The words as SecretText, which is a key like the others.
Result<SecretText> parse_words(const std::string& text) { return SecretText(TRY(cashu::parse_mnemonic(text))); }
std::string encode_words(const SecretText& words) { return words.expose(); }
SecretText make_words(Rng& rng) { return SecretText(cashu::generate_mnemonic(rng)); }

constexpr Kind<protocol::SecretKey> kNostr{"nsec", "the Nostr key", &parse_nsec_or_hex, &protocol::encode_nsec,
                                           &protocol::SecretKey::generate};
constexpr Kind<protocol::SecretKey> kSales{"p2pk", "the key that tokens are locked to",
                                           [](const std::string& text) { return protocol::SecretKey::parse_hex(text); },
                                           &encode_hex_key, &protocol::SecretKey::generate};
constexpr Kind<protocol::WireguardSecret> kTunnels{"wg.key", "the WireGuard key", &parse_tunnel_key, &encode_tunnel_key,
                                                   &protocol::generate_wireguard_secret};
constexpr Kind<SecretText> kWords{"wallet.seed", "the wallet's words", &parse_words, &encode_words, &make_words};

bool same(const protocol::SecretKey& a, const protocol::SecretKey& b)
{
    return sodium_memcmp(a.expose().data(), b.expose().data(), a.expose().size()) == 0;
}
bool same(const SecretText& a, const SecretText& b) { return a.expose() == b.expose(); }
bool same(const protocol::WireguardSecret& a, const protocol::WireguardSecret& b) { return a == b; }

template<typename Key>
Result<Key> find_or_make(const Kind<Key>& kind, const std::filesystem::path& folder,
                         const std::optional<SecretText>& given, Rng& rng, std::vector<KeyFile>& files)
{
    const auto path = folder / kind.file;
    std::optional<Key> wanted;
    if (given) {
        auto parsed = kind.parse(given->expose());
        if (!parsed)
            return Error{Reason::bad_config,
                         "what is given as " + std::string(kind.what) + " is none: " + parsed.error().detail};
        wanted = std::move(*parsed);
    }
    if (const auto text = TRY(read_existing(path))) {
        auto there = kind.parse(text->expose());
        if (!there)
            return unusable(path, "is there, but it is not " + std::string(kind.what) + " (" + there.error().detail +
                                      "): move it away and start again");
        if (wanted && !same(*wanted, *there))
            return unusable(path,
                            "has another key than the one that is given, and is never overwritten: move it away if "
                            "nothing is left on it");
        files.push_back({path, kind.what, SecretText(kind.encode(*there)), KeyFile::Origin::there});
        return std::move(*there);
    }
    const auto origin = wanted ? KeyFile::Origin::given : KeyFile::Origin::made;
    Key key = wanted ? std::move(*wanted) : kind.make(rng);
    files.push_back({path, kind.what, SecretText(kind.encode(key)), origin});
    return key;
}

} // namespace

Result<ShopKeys> find_or_make_keys(const std::filesystem::path& folder, GivenKeys given, Rng& rng)
{
    std::vector<KeyFile> files;
    auto nostr = TRY(find_or_make(kNostr, folder, given.nsec, rng, files));
    auto sales = TRY(find_or_make(kSales, folder, std::nullopt, rng, files));
    auto tunnels = TRY(find_or_make(kTunnels, folder, std::nullopt, rng, files));
    TRY(find_or_make(kWords, folder, given.words, rng, files));
    if (same(nostr, sales))
        return unusable(folder / kSales.file,
                        "holds the Nostr key: tokens must be locked to one of their own. Move it away "
                        "and start again");
    return ShopKeys{std::move(nostr), std::move(sales), std::move(tunnels), std::move(files)};
}

Result<SecretText> read_given(const std::filesystem::path& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return Error{Reason::io, "cannot look at " + path.string() + ": " + std::strerror(errno)};
    if (!S_ISREG(status.st_mode)) return unusable(path, "is no file");
    return read_closed(path);
}

Result<void> write_keys(const ShopKeys& keys, std::optional<FileOwner> owner)
{
    for (const KeyFile& file : keys.files) {
        if (file.origin == KeyFile::Origin::there) continue;
        crash_point("init_before_" + file.path.filename().string());
        std::string line = file.text.expose() + "\n";
        const auto written = create_file(file.path, line, 0600, owner);
        SecretText::wipe(line);
        TRY(written);
        crash_point("init_after_" + file.path.filename().string());
    }
    return {};
}

} // namespace adit::operate
