#include "app/seed_file.h"

#include "base/file.h"

namespace adit::app {

using payments::cashu::Seed;

Result<WalletSeed> read_or_make_seed(const std::filesystem::path& path, Rng& rng)
{
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
        if (error) return Error{Reason::io, path.string() + ": " + error.message()};
        std::string words = payments::cashu::generate_mnemonic(rng);
        TRY(create_private_file(path, words + "\n"));
        Seed seed = payments::cashu::mnemonic_seed(words);
        sodium_memzero(words.data(), words.size());
        return WalletSeed{std::move(seed), store::SeedAge::made_now};
    }
    std::string words = TRY(read_seed_words(path));
    Seed seed = payments::cashu::mnemonic_seed(words);
    sodium_memzero(words.data(), words.size());
    return WalletSeed{std::move(seed), store::SeedAge::from_before};
}

Result<std::string> read_seed_words(const std::filesystem::path& path)
{
    if (TRY(openness(path)) == FileOpenness::open)
        return Error{Reason::bad_config, path.string() + ": others may read or change it; chmod 600 it"};
    std::string text = TRY(read_file(path, 4096));
    auto words = payments::cashu::parse_mnemonic(text);
    sodium_memzero(text.data(), text.size());
    if (!words)
        return Error{Reason::bad_config,
                     path.string() + ": not the BIP-39 words of a wallet seed (" + words.error().detail + ")"};
    return words;
}

} // namespace adit::app
