#include "e2e/shop.h"

#include "base/clock.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/mint_json.h"
#include "protocol/constants.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <poll.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace adit::e2e {

namespace {

constexpr std::string_view kListing = "exit-1";

std::filesystem::path new_folder()
{
    char name[] = "/tmp/adit-e2e-XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    return name;
}

std::string quoted(const std::vector<std::string>& texts)
{
    std::string out;
    for (const std::string& text : texts) out += (out.empty() ? "\"" : ", \"") + text + "\"";
    return "[" + out + "]";
}

void write(const std::filesystem::path& path, const std::string& text)
{
    std::ofstream(path, std::ios::trunc) << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

std::unique_ptr<devnet::World> start_world(const devnet::WorldOptions& options, const fakes::Netns* where)
{
    std::unique_ptr<devnet::World> world;
    // Sockets and threads made there belong there.
    const auto start = [&] { world = must(devnet::World::start(options)); };
    where ? where->inside(start) : start();
    return world;
}

} // namespace

Shop::Shop(Settings wanted, devnet::WorldOptions world_options, const fakes::Netns* in)
    : settings(std::move(wanted)), folder(new_folder()), database(folder / "state" / "adit.db"), port(free_port()),
      operator_key(protocol::SecretKey::generate(rng)), sales_key(protocol::SecretKey::generate(rng)),
      server_key(protocol::wireguard_public_key(protocol::generate_wireguard_secret(rng))), where(in),
      world(start_world(world_options, in))
{
    std::filesystem::create_directory(folder / "state");
    std::filesystem::permissions(folder / "state", std::filesystem::perms::owner_all);
    write(folder / "nsec", encode_hex(operator_key.expose()) + "\n");
    write(folder / "p2pk", encode_hex(sales_key.expose()) + "\n");
}

Shop::~Shop()
{
    daemon.reset();
    world.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

void Shop::write_config() const
{
    std::string prices;
    for (std::size_t i = 0; i < settings.prices.size(); ++i) {
        const protocol::Price& price = settings.prices[i];
        prices += "[[listing.prices]]\namount = " + price.amount + "\ncurrency = \"" + price.currency +
                  "\"\nunit = \"" + price.unit + "\"\n";
        if (i < settings.max_mbps.size() && settings.max_mbps[i] != 0)
            prices += "max_mbps = " + std::to_string(settings.max_mbps[i]) + "\n";
    }
    const std::string method = "[[listing.payment_methods]]\ntype = \"cashu\"\nmint = \"" + world->mint_url() +
                               "\"\np2pk = \"" + cashu::even_point(sales_key.public_key()).hex() + "\"\nendpoint = \"" +
                               settings.public_url + "/purchase\"\n";
    const std::string text =
        "[server]\nhost = \"127.0.0.1\"\nport = " + std::to_string(port) + "\npublic_host = \"" + public_host() +
        "\"\n" + settings.server + "[db]\npath = \"" + database.string() + "\"\n[wireguard]\nendpoint_host = \"" +
        endpoint_host + "\"\nserver_pubkey = \"" + server_key.base64() + "\"\nsubnet_cidr = \"" + settings.subnet +
        "\"\n" + settings.wireguard + "[cashu]\np2pk_privkey_file = \"" + (folder / "p2pk").string() + "\"\n" +
        settings.cashu + "\n[nostr]\nnsec_file = \"" + (folder / "nsec").string() +
        "\"\nrelays = " + quoted(settings.relays.value_or(std::vector{world->relay_url()})) + "\n[limits]\n" +
        settings.limits + "[listing]\nd_tag = \"" + std::string(kListing) +
        "\"\ntitle = \"Exit One\"\nprotocols = [\"wireguard\"]\n" + settings.listing + settings.listing_tables +
        prices + (settings.lists_cashu ? method : "") + lightning_text() + settings.more;
    write(folder / "config.toml", text);
}

std::string Shop::public_host() const { return settings.public_url.substr(settings.public_url.find("//") + 2); }

std::string Shop::lightning_text() const
{
    if (!settings.lightning) return "";
    std::string text = "[[listing.payment_methods]]\ntype = \"lightning\"\nendpoint = \"" + settings.public_url +
                       "/lnurlp\"\nmechanism = \"lnurl-pay\"\n[lightning]\nenabled = true\n" + settings.lightning_lines;
    switch (*settings.lightning) {
    case Pays::phoenixd:
        return text + "backend = \"phoenixd\"\nbase_url = \"" + world->phoenixd_url() + "\"\napi_token_file = \"" +
               world->phoenixd_limited_password_file().string() + "\"\n";
    case Pays::lnd:
    case Pays::lnd_held:
        return text + "backend = \"lnd\"\nbase_url = \"" + world->lnd_url() + "\"\nmacaroon_file = \"" +
               world->lnd_admin_macaroon_file().string() + "\"\ntls_cert_file = \"" +
               world->lnd_tls_cert_file().string() + "\"\n" +
               (*settings.lightning == Pays::lnd_held ? "hold = true\n" : "");
    }
    return text;
}

DaemonOptions Shop::options() const { return {folder / "config.toml", port, "info", {}, where}; }

void Shop::launch(const std::vector<std::string>& environment, const std::string& log_level)
{
    daemon.reset();
    write_config();
    DaemonOptions wanted = options();
    wanted.environment = environment;
    wanted.log_level = log_level;
    daemon = std::make_unique<Daemon>(wanted);
}

void Shop::start(const std::vector<std::string>& environment, const std::string& log_level)
{
    launch(environment, log_level);
    ASSERT_TRUE(daemon->wait_until_selling());
}

void Shop::restart()
{
    EXPECT_EQ(daemon->stop(), 0);
    start();
}

std::string Shop::admin(std::string_view command) const
{
    return admin_line(R"({"command":")" + std::string(command) + "\"}");
}

std::string Shop::admin_line(std::string line) const
{
    line += '\n';
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = database.parent_path() / "admin.sock";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_GT(::send(fd, line.data(), line.size(), MSG_NOSIGNAL), 0); // all of it, unless it is refused on the way
    std::string answer;
    char block[4096];
    for (ssize_t got = 0; (got = ::recv(fd, block, sizeof block, 0)) > 0;)
        answer.append(block, static_cast<std::size_t>(got));
    ::close(fd);
    return answer;
}

// ---- buyers --------------------------------------------------------------------------------------------------------

std::vector<cashu::Proof> Shop::make_proofs(const std::vector<std::uint64_t>& amounts,
                                            const std::function<std::string()>& make_secret) const
{
    const auto keysets = world->mint().keysets();
    const auto keyset =
        std::ranges::find_if(keysets, [](const auto& each) { return each.active && each.unit == "sat"; });
    EXPECT_NE(keyset, keysets.end());
    std::vector<std::string> secrets;
    std::vector<cashu::Scalar> factors;
    std::vector<cashu::BlindedMessage> outputs;
    std::uint64_t total = 0;
    for (const std::uint64_t amount : amounts) {
        total += amount;
        secrets.push_back(make_secret());
        factors.push_back(cashu::random_scalar(rng));
        outputs.push_back({keyset->id, Sat(amount), must(cashu::blind(secrets.back(), factors.back()))});
    }
    devnet::Mint& mint = world->mint();
    const auto quoted_at = mint.handle("POST", "/v1/mint/quote/bolt11", cashu::encode_mint_quote(Sat(total), "sat"));
    const auto quote = must(cashu::parse_mint_quote(quoted_at.body));
    const auto minted = mint.handle("POST", "/v1/mint/bolt11", cashu::encode_mint(quote.id, outputs));
    const auto signatures = must(cashu::parse_signatures(minted.body));
    std::vector<cashu::Proof> proofs;
    for (std::size_t i = 0; i < signatures.size(); ++i) {
        auto dleq = signatures[i].dleq;
        if (dleq) {
            ByteArray<32> r{};
            std::ranges::copy(factors[i].expose(), r.begin());
            dleq->r = r;
        }
        proofs.push_back({keyset->id, Sat(amounts[i]), secrets[i],
                          must(cashu::unblind(signatures[i].c, factors[i], keyset->keys.at(Sat(amounts[i])))),
                          std::nullopt, dleq});
    }
    return proofs;
}

std::function<std::string()> Shop::locked() const
{
    return [this] {
        cashu::P2pkLock lock;
        lock.keys = {cashu::even_point(sales_key.public_key())};
        return cashu::make_p2pk_secret(lock, rng);
    };
}

std::string Shop::token_of(const std::vector<cashu::Proof>& proofs) const
{
    return cashu::encode_token({world->mint_url(), "sat", std::nullopt, proofs});
}

Buyer Shop::buyer_with(std::vector<cashu::Proof> proofs) const
{
    auto secret = protocol::generate_wireguard_secret(rng);
    const auto client_key = protocol::wireguard_public_key(secret);
    std::string token = token_of(proofs);
    Buyer out{protocol::SecretKey::generate(rng),
              protocol::SecretKey::generate(rng),
              std::move(secret),
              client_key,
              std::move(proofs),
              std::move(token),
              {}};
    out.request = request(out);
    return out;
}

Buyer Shop::buyer(const std::vector<std::uint64_t>& amounts) const
{
    return buyer_with(make_proofs(amounts, locked()));
}

protocol::EventDraft Shop::draft(std::size_t tier) const
{
    protocol::EventDraft draft =
        protocol::purchase_auth_draft({system_clock().now(),
                                       public_host(),
                                       {protocol::kKindListing, operator_key.public_key(), std::string(kListing)},
                                       settings.prices.at(tier),
                                       std::nullopt});
    // Two events of one key in one second would be the same event.
    draft.tags.push_back({"nonce", encode_hex(rng.bytes<8>())});
    return draft;
}

Ask Shop::request(const Buyer& buyer, const protocol::EventDraft& draft, const protocol::SecretKey& key) const
{
    return {"POST",
            "/purchase",
            {{"Authorization", protocol::encode_auth_header(protocol::sign_event(draft, key, rng))},
             {"X-Cashu", buyer.token},
             {"Content-Type", "application/json"}},
            protocol::encode_purchase_body({"wireguard", buyer.client_key, buyer.refund_key.public_key()})};
}

Reply Shop::insist(const Ask& what) const
{
    const SteadyTime end = system_clock().steady() + Milliseconds(60'000);
    while (system_clock().steady() < end) {
        Reply reply = ask(what);
        if (reply.status != 0 && reply.status < 500 && reply.status != 429) return reply;
        ::poll(nullptr, 0, 50);
    }
    ADD_FAILURE() << "no answer for good within a minute";
    return {};
}

// ---- where the money is --------------------------------------------------------------------------------------------

std::uint64_t Shop::spent_of(const Buyer& buyer) const
{
    std::uint64_t sats = 0;
    for (const cashu::Proof& proof : buyer.proofs)
        if (world->mint().state_of(cashu::proof_y(proof.secret).hex()) == cashu::ProofState::spent)
            sats += proof.amount.count();
    return sats;
}

std::uint64_t Shop::worth(const std::string& token) const
{
    std::uint64_t sats = 0;
    for (const cashu::Proof& proof : must(cashu::parse_token(token)).proofs) {
        EXPECT_EQ(world->mint().state_of(cashu::proof_y(proof.secret).hex()), cashu::ProofState::unspent);
        sats += proof.amount.count();
    }
    return sats;
}

std::vector<WalletRow> Shop::wallet_rows() const
{
    std::vector<WalletRow> rows;
    for (const auto& row : sql("SELECT y, amount_sat FROM wallet_proofs WHERE state = 'unspent'"))
        rows.push_back({row.at(0), std::stoull(row.at(1))});
    return rows;
}

std::uint64_t Shop::wallet() const
{
    std::uint64_t sats = 0;
    for (const WalletRow& row : wallet_rows()) {
        EXPECT_EQ(world->mint().state_of(row.y), cashu::ProofState::unspent);
        sats += row.amount;
    }
    return sats;
}

std::vector<std::vector<std::string>> Shop::sql(const std::string& statement) const
{
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open_v2(database.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
    sqlite3_busy_timeout(handle, 10'000);
    std::vector<std::vector<std::string>> rows;
    char* error = nullptr;
    const auto take = [](void* out, int count, char** values, char**) {
        auto& row = static_cast<std::vector<std::vector<std::string>>*>(out)->emplace_back();
        for (int i = 0; i < count; ++i) row.emplace_back(values[i] ? values[i] : "");
        return 0;
    };
    EXPECT_EQ(sqlite3_exec(handle, statement.c_str(), take, &rows, &error), SQLITE_OK) << (error ? error : "");
    sqlite3_free(error);
    sqlite3_close(handle);
    return rows;
}

// ---- answers -------------------------------------------------------------------------------------------------------

protocol::Delivered delivered(const Reply& reply)
{
    EXPECT_EQ(reply.status, 200) << reply.body;
    auto answer = protocol::parse_purchase_answer(reply.status, reply.body);
    if (answer)
        if (auto* found = std::get_if<protocol::Delivered>(&*answer)) return std::move(*found);
    ADD_FAILURE() << "not delivered: " << reply.status << " " << reply.body;
    return {};
}

protocol::Refused refused(const Reply& reply)
{
    auto answer = protocol::parse_purchase_answer(reply.status, reply.body);
    if (answer)
        if (auto* found = std::get_if<protocol::Refused>(&*answer)) return std::move(*found);
    ADD_FAILURE() << "not refused: " << reply.status << " " << reply.body;
    return {};
}

} // namespace adit::e2e
