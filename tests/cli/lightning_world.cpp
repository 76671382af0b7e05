#include "cli/lightning_world.h"

#include "base/hash.h"
#include "http/router.h"
#include "payments/lightning/invoice_testing.h"
#include "protocol/info.h"
#include "protocol/wg_config.h"

#include <nlohmann/json.hpp>

namespace adit::cli {

using nlohmann::json;
using payments::HttpCall;
using payments::HttpReply;

namespace {

constexpr std::string_view kHost = "https://vpn.example";
constexpr std::string_view kLnd = "https://lnd";
constexpr std::string_view kPhoenixd = "http://phoenixd";
constexpr std::string_view kPassword = "full-access";
const std::string kMacaroon = "\x02\x01mac";
const protocol::Price kPrice{"21", "sat", "hour"};

std::map<std::string, std::string> query_of(std::string_view url)
{
    std::map<std::string, std::string> query;
    url.remove_prefix(std::min(url.size(), url.find('?')));
    while (!url.empty()) {
        url.remove_prefix(1);
        const std::string_view pair = url.substr(0, url.find('&'));
        const std::size_t equals = pair.find('=');
        query[std::string(pair.substr(0, equals))] =
            http::percent_decoded(pair.substr(equals + 1), http::Plus::space).value_or("");
        url.remove_prefix(pair.size());
    }
    return query;
}

std::string path_of(std::string_view url)
{
    url.remove_prefix(url.find('/', 8));
    return std::string(url.substr(0, url.find('?')));
}

} // namespace

LightningWorld::LightningWorld()
    : server_key_(protocol::wireguard_public_key(protocol::generate_wireguard_secret(rng)).base64()),
      operator_key_(protocol::SecretKey::generate(rng).public_key())
{
    char name[] = "/tmp/adit-lightning-XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    folder = name;
}

LightningWorld::~LightningWorld()
{
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

// ---- the buyer -----------------------------------------------------------------------------------------------------

Offer LightningWorld::offer(std::uint64_t quantity)
{
    return Offer{{30402, operator_key_, "exit-1"}, "Exit One",    kPrice, Sat(21), quantity, {}, {},
                 std::string(kHost) + "/lnurlp",   "vpn.example", 1};
}

Record LightningWorld::begin(LightningMode mode, std::optional<PayerChoice::Kind> payer, std::uint64_t quantity)
{
    file = folder / ("purchase-" + std::to_string(++files_) + ".json");
    std::optional<PayerChoice> choice;
    if (payer)
        choice = PayerChoice{*payer, std::string(*payer == PayerChoice::Kind::lnd ? kLnd : kPhoenixd), "", "", {}};
    Record record = new_lightning_record(offer(quantity), mode, std::move(choice), clock, rng);
    EXPECT_TRUE(create_record(file, record).has_value());
    return record;
}

Record LightningWorld::reload()
{
    auto record = load_record(file);
    EXPECT_TRUE(record.has_value()) << record.error().detail;
    return std::move(record).value();
}

Buyer::Outcome LightningWorld::go_on(Record& record, Seconds patience, DeathAt* death)
{
    death_ = death;
    const auto dies = [death](const char* what) { return death != nullptr && death->here(what); };
    std::unique_ptr<Payer> payer;
    if (record.lightning->payer) {
        const auto& choice = *record.lightning->payer;
        if (choice.kind == PayerChoice::Kind::lnd)
            payer = std::make_unique<LndPayer>(
                *this, LndPayer::Access{choice.url, LndPayer::header(std::string(kMacaroon)), ""}, Sat(10));
        else
            payer = std::make_unique<PhoenixdPayer>(
                *this, PhoenixdPayer::Access{choice.url, PhoenixdPayer::header(std::string(kPassword)), ""});
    }
    LightningBuyer buyer({*this,
                          clock,
                          rng,
                          *this,
                          [&](const Record& now) -> Result<void> {
                              if (dies("before the file")) return Error{Reason::io, "dead"};
                              TRY(save_record(file, now));
                              if (dies("after the file")) return Error{Reason::io, "dead"};
                              return {};
                          },
                          {patience, patience}},
                         payer.get());
    auto outcome = buyer.go_on(record);
    death_ = nullptr;
    return outcome;
}

Result<Buyer::Outcome> LightningWorld::open(Record& record, std::string_view text)
{
    LightningBuyer buyer({*this, clock, rng, *this, [&](const Record& now) { return save_record(file, now); }, {}},
                         nullptr);
    return buyer.open_delivery(record, text);
}

void LightningWorld::show_invoice(const std::string& bolt11, Sat, std::optional<UnixSeconds>)
{
    shown.push_back(bolt11);
    if (on_invoice && !(death_ && death_->dead)) on_invoice(bolt11);
}

void LightningWorld::pause(Milliseconds length)
{
    clock.advance(std::chrono::ceil<Seconds>(length));
    if (on_pause) on_pause();
}

// ---- the network ---------------------------------------------------------------------------------------------------

Result<HttpReply> LightningWorld::call(const HttpCall& call)
{
    const auto gone = [] { return Error{Reason::mint_unreachable, "gone"}; };
    const std::string what = call.method + " " + path_of(call.url).substr(0, 20);
    const bool ours = call.url.starts_with(kHost) || call.url.starts_with(kLnd) || call.url.starts_with(kPhoenixd);
    if (elsewhere && !ours) return elsewhere->call(call);
    if (death_ && death_->here("before " + what)) return gone();
    auto reply = answer(call);
    if (death_ && death_->here("after " + what)) return gone();
    if (reply.status == 0) return gone();
    return reply;
}

HttpReply LightningWorld::answer(const HttpCall& call)
{
    const std::string path = path_of(call.url);
    if (call.url.starts_with(kPhoenixd)) return phoenixd(call, path);
    if (call.url.starts_with(kLnd)) return lnd(call, path);
    EXPECT_TRUE(call.url.starts_with(kHost)) << call.url;
    if (words) return {200, *words};
    if (path == "/lnurlp") return {200, offer_of(query_of(call.url))};
    if (path == "/lnurlp/callback") return {200, invoice_of(query_of(call.url))};
    if (path.starts_with("/lnurlp/verify/"))
        return verify_silent ? HttpReply{} : HttpReply{200, verify_of(path.substr(15))};
    if (path != "/session/00ff" || session_status.empty()) return {404, "{}"};
    return {200, protocol::encode_session({session_status, UnixSeconds(1'800'000'000), {}, 0, {}})};
}

// ---- the operator --------------------------------------------------------------------------------------------------

std::string LightningWorld::offer_of(const std::map<std::string, std::string>& query)
{
    EXPECT_EQ(query.at("p"), "1");
    const std::uint64_t quantity = understands_parameters ? std::stoull(query.at("q")) : 1;
    std::string callback = std::string(kHost) + "/lnurlp/callback?q=" + std::to_string(quantity);
    if (understands_parameters) callback += "&client_pubkey=" + query.at("client_pubkey");
    const Msat price(21'000 * quantity);
    return protocol::encode_pay_request(
        {callback, price, price, protocol::pay_metadata(kPrice, quantity, operator_key_, "exit-1"), comment_allowed});
}

std::string LightningWorld::invoice_of(const std::map<std::string, std::string>& query)
{
    namespace lightning = payments::lightning;
    const std::uint64_t quantity = std::stoull(query.at("q"));
    EXPECT_EQ(query.at("amount"), std::to_string(21'000 * quantity));
    std::optional<protocol::WireguardKey> client_key;
    if (query.contains("client_pubkey")) client_key = protocol::parse_key_parameter(query.at("client_pubkey")).value();
    if (query.contains("comment")) {
        comments.push_back(query.at("comment"));
        const auto comment =
            protocol::parse_purchase_comment(query.at("comment"), std::vector<std::string>{"wireguard"});
        EXPECT_TRUE(comment.has_value()) << comment.error().detail;
        client_key = comment->client_key;
    }
    if (!client_key) return protocol::encode_lnurl_error(Reason::no_client_pubkey);
    SoldInvoice sold;
    sold.preimage = rng.secret<32>();
    sold.hash = sha256(sold.preimage.expose());
    sold.client_key = client_key->base64();
    sold.expires_at = clock.now() + invoice_lives;
    const std::string metadata =
        protocol::pay_metadata(kPrice, hash_of_other_metadata ? quantity + 1 : quantity, operator_key_, "exit-1");
    lightning::InvoiceRequest request{
        Sat(invoice_sat == 0 ? 21 * quantity : invoice_sat), sha256(as_bytes(metadata)), invoice_lives, "adit-1", {}};
    sold.bolt11 = lightning::sign(lightning::good_draft(request, sold.hash, clock.now()));
    protocol::PayAnswer answer{sold.bolt11, {}, {}};
    if (has_action) {
        const std::string text = bad_config.value_or(config());
        answer.action =
            protocol::seal_aes(sold.preimage, link_action ? protocol::config_viewer_link("vpn.example", text) : text,
                               "Your VPN configuration", rng)
                .value();
    }
    if (has_verify) answer.verify = std::string(kHost) + "/lnurlp/verify/" + encode_hex(sold.hash);
    invoices.push_back(std::move(sold));
    return protocol::encode_pay_answer(answer);
}

std::string LightningWorld::config()
{
    protocol::ConfigComments header;
    if (names_session) header.session_url = std::string(kHost) + "/session/00ff";
    return protocol::render_config({.private_key = {},
                                    .addresses = {"10.66.0.2/32"},
                                    .dns = {},
                                    .mtu = {},
                                    .server_key = protocol::WireguardKey::parse_base64(server_key_).value(),
                                    .preshared_key = {},
                                    .endpoint = "vpn.example:51820"},
                                   header);
}

std::string LightningWorld::shown_for(const SoldInvoice&)
{
    return protocol::config_viewer_link("vpn.example", bad_config.value_or(config()));
}

SoldInvoice* LightningWorld::find(const std::string& hash)
{
    for (SoldInvoice& invoice : invoices)
        if (encode_hex(invoice.hash) == hash) return &invoice;
    return nullptr;
}

std::string LightningWorld::verify_of(const std::string& hash)
{
    const SoldInvoice* const invoice = find(hash);
    if (!invoice) return protocol::encode_lnurl_error(Reason::not_found);
    protocol::VerifyAnswer answer;
    answer.settled = invoice->paid > 0;
    answer.preimage = invoice->preimage.duplicate();
    answer.pr = invoice->bolt11;
    if (answer.settled) answer.refund = refund;
    return protocol::encode_verify_answer(answer);
}

void LightningWorld::pay(const std::string& bolt11)
{
    for (SoldInvoice& invoice : invoices) {
        if (invoice.bolt11 != bolt11) continue;
        ++invoice.paid;
        EXPECT_LT(clock.now(), invoice.expires_at) << "paid after its time";
        return;
    }
    ADD_FAILURE() << "an invoice that nobody made";
}

// ---- the node ------------------------------------------------------------------------------------------------------

/// nullptr: the request was lost.
LightningWorld::Outgoing* LightningWorld::node_pays(const std::string& bolt11)
{
    if (mood == NodeMood::silent_before) {
        mood = NodeMood::pays;
        return nullptr;
    }
    const auto invoice = payments::lightning::parse_bolt11(bolt11);
    EXPECT_TRUE(invoice.has_value());
    const std::string hash = encode_hex(invoice->payment_hash);
    ++told;
    if (const auto found = outgoing_.find(hash); found != outgoing_.end() && found->second != Outgoing::failed)
        return &found->second; // a node does not pay twice
    Outgoing& payment = outgoing_[hash];
    payment = mood == NodeMood::fails ? Outgoing::failed : mood == NodeMood::hangs ? Outgoing::pending : Outgoing::paid;
    if (payment == Outgoing::paid) pay(bolt11);
    return &payment;
}

void LightningWorld::release()
{
    for (auto& [hash, payment] : outgoing_) {
        if (payment != Outgoing::pending) continue;
        payment = Outgoing::paid;
        ++find(hash)->paid;
    }
}

HttpReply LightningWorld::phoenixd(const HttpCall& call, const std::string& path)
{
    constexpr std::string_view kByHash = "/payments/outgoingbyhash/";
    EXPECT_TRUE(call.secret_header != nullptr &&
                call.secret_header->expose() ==
                    "Authorization: Basic " + encode_base64(as_bytes(":" + std::string(kPassword))));
    if (mood == NodeMood::wrong_password) return {401, "Invalid authentication"};
    if (path.starts_with(kByHash)) {
        const auto found = outgoing_.find(path.substr(kByHash.size()));
        if (found == outgoing_.end()) return {404, "Not found"};
        json payment = {{"type", "outgoing_payment"}, {"isPaid", found->second == Outgoing::paid}};
        if (found->second != Outgoing::pending) payment["completedAt"] = 1;
        if (found->second == Outgoing::paid) payment["preimage"] = encode_hex(find(found->first)->preimage.expose());
        return {200, payment.dump()};
    }
    EXPECT_EQ(path, "/payinvoice");
    EXPECT_EQ(call.content_type, "application/x-www-form-urlencoded");
    EXPECT_TRUE(call.body.starts_with("invoice="));
    const std::string bolt11 = call.body.substr(8);
    const bool there = outgoing_.contains(encode_hex(payments::lightning::parse_bolt11(bolt11)->payment_hash));
    const Outgoing* const payment = node_pays(bolt11);
    if (!payment || mood == NodeMood::silent_after || *payment == Outgoing::pending) return {};
    if (*payment == Outgoing::failed) return {200, R"({"reason":"channel is not connected"})"};
    if (there) return {200, R"({"reason":"this invoice has already been paid"})"};
    const auto hash = encode_hex(payments::lightning::parse_bolt11(bolt11)->payment_hash);
    return {200, json{{"paymentPreimage", encode_hex(find(hash)->preimage.expose())}}.dump()};
}

HttpReply LightningWorld::lnd(const HttpCall& call, const std::string& path)
{
    constexpr std::string_view kTrack = "/v2/router/track/";
    EXPECT_TRUE(call.secret_header != nullptr &&
                call.secret_header->expose() == "Grpc-Metadata-macaroon: " + encode_hex(as_bytes(kMacaroon)));
    if (mood == NodeMood::wrong_password) return {403, R"({"code":7,"message":"permission denied"})"};
    const auto line = [&](const std::string& hash, Outgoing payment) {
        json result = {{"status", "IN_FLIGHT"}};
        if (payment == Outgoing::failed) result = {{"status", "FAILED"}, {"failure_reason", "FAILURE_REASON_NO_ROUTE"}};
        if (payment == Outgoing::paid)
            result = {{"status", "SUCCEEDED"}, {"payment_preimage", encode_hex(find(hash)->preimage.expose())}};
        return json{{"result", result}}.dump() + "\n";
    };
    if (path.starts_with(kTrack)) {
        std::string segment = path.substr(kTrack.size());
        EXPECT_TRUE(segment.ends_with("%3D"));
        segment.resize(segment.size() - 3);
        const std::string hash = encode_hex(parse_base64_any(segment).value());
        const auto found = outgoing_.find(hash);
        if (found == outgoing_.end())
            return {404, R"({"error":{"code":5,"message":"payment isn't initiated","details":[]}})"};
        if (found->second == Outgoing::pending) return {}; // it would answer at the payment's end
        return {200, line(hash, found->second)};
    }
    EXPECT_EQ(path, "/v2/router/send");
    const json body = json::parse(call.body);
    EXPECT_EQ(body["fee_limit_sat"], "10");
    EXPECT_GT(body["timeout_seconds"].get<int>(), 0);
    const std::string bolt11 = body["payment_request"];
    const std::string hash = encode_hex(payments::lightning::parse_bolt11(bolt11)->payment_hash);
    const auto before = outgoing_.find(hash);
    const bool there = before != outgoing_.end() && before->second != Outgoing::failed;
    const Outgoing* const payment = node_pays(bolt11);
    if (!payment || mood == NodeMood::silent_after || (*payment == Outgoing::pending && !there)) return {};
    if (there) return {409, R"({"code":6,"message":"invoice is already paid"})"};
    return {200, line(hash, *payment)};
}

} // namespace adit::cli
