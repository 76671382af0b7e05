#include "operate/check_config.h"

#include "base/ascii.h"
#include "protocol/nip19.h"

#include <algorithm>
#include <set>

namespace adit::operate {

namespace {

/// A complaint that says so is about this subject, and this is what the operator does about it.
struct Subject {
    std::string_view says;
    std::string_view check;
    std::string_view hint;
};

constexpr Subject kSubjects[]{
    {"holds secrets and may be read", "secret-modes",
     "chmod 600 the config, and give it to the user that aditd runs as; better, move each secret to a file of its own"},
    {"may be read or written by others", "secret-modes",
     "chmod 600 the file, and give it to the user that aditd runs as; who may have read it has the key: if that was "
     "anybody, make a new one"},
    {"may be read by its group", "secret-modes",
     "chmod 600 the file, unless the group has nobody else in it (Kubernetes mounts secrets so)"},
    {"lightning is listed but", "lightning-off",
     "set [lightning] enabled = true with its backend, or take the lightning [[listing.payment_methods]] out: buyers "
     "would be sent to an endpoint that refuses them"},
    {"cashu is listed but", "cashu-off",
     "set [cashu] enabled = true with its key, or take the cashu [[listing.payment_methods]] out: buyers would be sent "
     "to an endpoint that refuses them"},
    {"stub makes no invoices", "lightning-off",
     "set [lightning] backend to \"phoenixd\" or \"lnd\", or enabled = false"},
    {"cashu.p2pk_privkey_file: is missing", "cashu-key",
     "name the file that holds the sales key in [cashu] p2pk_privkey_file: without it no payment can be taken"},
    {"payment_methods.p2pk: is not the key", "listing-p2pk",
     "p2pk in the listing is 02 and the public part of the [cashu] key; buyers' money would be locked to somebody "
     "else"},
    {"payment_methods.p2pk:", "listing-p2pk", "p2pk in the listing is 02 and the public part of the [cashu] key"},
    {"payment_methods.endpoint: is not on server.public_host", "payment-endpoint",
     "payment endpoints must be on [server] public_host: payments would go to another host"},
    {"payment_methods.endpoint:", "payment-endpoint", ""},
    {"this price is listed but can not be bought", "price-currency",
     "sell in sat: set currency = \"sat\" and a whole amount. A price in another currency is shown to buyers and taken "
     "from nobody"},
    {"wireguard.server_pubkey: is not there", "wireguard-key",
     "write the device's public key (wg show INTERFACE public-key) into [wireguard] server_pubkey, so that a device "
     "made "
     "anew with another key is noticed before buyers are given it"},
    {"wireguard.server_pubkey:", "wireguard-key", ""},
};

Finding finding_of(const std::string& complaint, Level level)
{
    // "…: what is wrong, what is expected": the end says what to do where the subject does not.
    constexpr std::string_view kExpected = ", expected ";
    const std::size_t expected = complaint.rfind(kExpected);
    std::string hint = expected == std::string::npos ? "" : "expected " + complaint.substr(expected + kExpected.size());
    std::string check = "config";
    const auto subject = std::ranges::find_if(
        kSubjects, [&](const Subject& each) { return complaint.find(each.says) != std::string::npos; });
    if (subject != std::end(kSubjects)) {
        check = subject->check;
        if (!subject->hint.empty()) hint = subject->hint;
    }
    if (hint.empty()) hint = "see config.example.toml for this key";
    return {std::move(check), level, complaint, std::move(hint)};
}

} // namespace

Findings judge_config(const app::LoadedConfig& loaded, const std::filesystem::path& path)
{
    Findings found;
    if (loaded.errors.empty()) found.push_back({"config", Level::ok, path.string() + " is understood"});
    for (const std::string& error : loaded.errors) found.push_back(finding_of(error, Level::fail));
    for (const std::string& warning : loaded.warnings) found.push_back(finding_of(warning, Level::warn));
    return found;
}

Findings judge_prices(std::span<const protocol::Price> prices)
{
    const std::size_t sellable = protocol::sellable_tiers(prices).size();
    if (sellable == 0)
        return {{"prices", Level::fail, "no price can be bought: none is in whole sat for a unit that is known",
                 "give at least one [[listing.prices]] with currency = \"sat\" and a whole amount"}};
    return {{"prices", Level::ok,
             std::to_string(sellable) + " of " + std::to_string(prices.size()) + " prices can be bought"}};
}

Findings judge_keys(const app::Config& config)
{
    Findings found;
    const protocol::PublicKey nostr = config.nostr.key.public_key();
    found.push_back({"nostr-key", Level::ok, "the operator is " + protocol::encode_npub(nostr)});
    if (config.cashu.enabled && config.cashu.sales_key) {
        const protocol::PublicKey sales = config.cashu.sales_key->public_key();
        if (sales == nostr)
            found.push_back({"sales-key", Level::warn,
                             "the [cashu] sales key is the Nostr key: whoever gets either has both, name and money",
                             "make a sales key of its own (openssl rand -hex 32), and name it in the listing's p2pk"});
        else
            found.push_back({"sales-key", Level::ok, "payments are locked to 02" + sales.hex()});
        for (const protocol::SecretKey& former : config.cashu.former_sales_keys)
            found.push_back(
                {"sales-key", Level::ok, "and taken when they are locked to 02" + former.public_key().hex()});
    }
    return found;
}

Finding judge_wallet_keys(std::span<const protocol::PublicKey> sales_keys,
                          std::span<const protocol::PublicKey> wallet_keys)
{
    if (std::ranges::find_first_of(wallet_keys, sales_keys) != wallet_keys.end())
        return {
            "wallet-key", Level::fail,
            "a sales key of [cashu] is the key of this operator's NIP-60 wallet: nutzaps to it publish their proofs, "
            "and anybody could pay with those; aditd does not start so",
            "make a sales key of its own (openssl rand -hex 32), put it into [cashu] in the other's place, and name it "
            "in the listing's p2pk"};
    if (wallet_keys.empty())
        return {"wallet-key", Level::ok, "no relay has a NIP-60 wallet of this operator yet; aditd makes one"};
    return {"wallet-key", Level::ok, "the NIP-60 wallet on the relays has a key of its own"};
}

} // namespace adit::operate
