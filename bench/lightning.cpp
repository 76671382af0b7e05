// What an invoice takes over the node's own time, how soon a payment is a tunnel, and what ten thousand invoices that
// nobody pays take.
#include "bench/figures.h"
#include "bench/load.h"
#include "bench/market.h"
#include "bench/report.h"
#include "bench/stopwatch.h"
#include "protocol/config_link.h"
#include "protocol/lnurl.h"
#include "protocol/lnurl_aes.h"

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

namespace adit::bench {

namespace {

namespace lightning = payments::lightning;

constexpr std::size_t kInvoices = 200;
constexpr std::size_t kPayments = 50;
constexpr std::size_t kOpen = 10'000;
constexpr std::size_t kOpenAtOnce = 8;
constexpr double kPatience = 10'000; // ms

/// A buyer's own address, as a proxy tells it: each may have three unpaid invoices.
std::string from_buyer(std::size_t number)
{
    return "X-Forwarded-For: 10." + std::to_string(number / 65536) + "." + std::to_string(number / 256 % 256) + "." +
           std::to_string(number % 256) + "\r\n";
}

std::string callback(std::size_t number)
{
    const auto key = protocol::wireguard_public_key(protocol::generate_wireguard_secret(system_rng()));
    return get("/lnurlp/callback?p=0&k=" + encode_base64url(key.bytes()) +
                   "&amount=" + std::to_string(kShopPrice * 1000),
               from_buyer(number));
}

protocol::PayAnswer invoice_of(const Market& market, const std::string& request)
{
    auto answer = must(protocol::parse_pay_answer(ask(market.port, request).body));
    if (const auto* error = std::get_if<protocol::LnurlError>(&answer)) give_up("no invoice: " + error->reason);
    return std::get<protocol::PayAnswer>(std::move(answer));
}

std::string added(double milliseconds) { return (milliseconds < 0 ? "" : "+") + ms(milliseconds); }

/// The same invoices, asked of the node directly.
Quantiles node_alone(const Market& market)
{
    const auto node = must(lightning::open_backend(market.lightning_access()));
    std::vector<double> times;
    for (std::size_t i = 0; i < kInvoices; ++i) {
        const lightning::InvoiceRequest request{Sat(kShopPrice), system_rng().bytes<32>(), Seconds(600), "bench",
                                                system_rng().secret<32>()};
        const Stopwatch watch;
        must(node->make(request));
        times.push_back(watch.ms());
    }
    return quantiles(std::move(times));
}

Quantiles callbacks(const Market& market)
{
    std::vector<double> times;
    for (std::size_t i = 0; i < kInvoices; ++i) {
        const std::string request = callback(i);
        const Stopwatch watch;
        invoice_of(market, request);
        times.push_back(watch.ms());
    }
    return quantiles(std::move(times));
}

/// Where the buyer sees that the tunnel is up.
std::string session_page(const protocol::PayAnswer& answer, const lightning::Preimage& preimage)
{
    const std::string config = must(protocol::config_of_plaintext(must(protocol::open_aes(preimage, *answer.action))));
    const std::size_t at = config.find("/session/");
    if (at == std::string::npos) give_up("the config names no page");
    return config.substr(at, config.find('\n', at) - at);
}

bool is_live(const Market& market, const std::string& page)
{
    const auto session = nlohmann::json::parse(ask(market.port, get(page)).body, nullptr, false);
    return session.is_object() && session.value("status", "") == "active";
}

/// Milliseconds from the moment the buyer's node is told to pay: to the page that says active, which a plain invoice's
/// preimage opens; of a held one, to its settlement, which comes after the peer is live.
double payment_to_tunnel(const Market& market, std::size_t number)
{
    const protocol::PayAnswer answer = invoice_of(market, callback(number));
    const auto hash = must(lightning::parse_bolt11(answer.pr)).payment_hash;
    const Stopwatch watch;
    const auto paid = market.pay(answer.pr);
    if (paid.value("status", "") == "accepted") {
        while (market.payment_state(hash) != "settled")
            if (watch.ms() > kPatience) give_up("a held payment is not settled");
        return watch.ms();
    }
    const auto bytes = parse_hex_exactly<32>(paid.value("preimage", ""));
    if (!bytes) give_up("a payment without a preimage");
    const std::string page = session_page(answer, lightning::Preimage(*bytes));
    while (!is_live(market, page))
        if (watch.ms() > kPatience) give_up("a payment that is no tunnel");
    return watch.ms();
}

void open_invoices(const Market& market)
{
    std::atomic<std::size_t> next = 0;
    std::vector<std::thread> buyers;
    for (std::size_t i = 0; i < kOpenAtOnce; ++i)
        buyers.emplace_back([&] {
            for (std::size_t number = next++; number < kOpen; number = next++)
                invoice_of(market, callback(kInvoices + kPayments + number));
        });
    for (std::thread& buyer : buyers) buyer.join();
}

void measure_node(const std::filesystem::path& where, LightningNode node, const std::string& name)
{
    Market market(where);
    market.sell_for_lightning(node);
    market.start_operator();
    const Quantiles alone = node_alone(market);
    const Quantiles asked = callbacks(market);
    row(name + ": invoice from the callback, one at a time", "",
        "**p50 " + added(asked.p50 - alone.p50) + ", p99 " + added(asked.p99 - alone.p99) +
            "** (callback: " + spread(asked) + "; node alone: " + spread(alone) + ")");
    std::vector<double> tunnels;
    for (std::size_t i = 0; i < kPayments; ++i) tunnels.push_back(payment_to_tunnel(market, kInvoices + i));
    row(name + (node == LightningNode::lnd_held ? ": payment accepted to settled, the peer live in between"
                                                : ": payment settled to peer live, pushed"),
        "< 200 ms", spread(quantiles(std::move(tunnels))));
    open_invoices(market);
    wait_until_idle(market.daemon->pid());
    row(name + ": memory with 10,000 open invoices", "", text_of(memory(market.daemon->pid())));
    market.stop_operator();
    market.start_operator();
    wait_until_idle(market.daemon->pid());
    row(name + ": the same after a restart", "", text_of(memory(market.daemon->pid())));
}

} // namespace

void measure_lightning(const std::filesystem::path& where)
{
    heading("Lightning, at the look-alikes of adit-devnet");
    measure_node(where, LightningNode::phoenixd, "phoenixd");
    measure_node(where, LightningNode::lnd, "LND");
    measure_node(where, LightningNode::lnd_held, "LND, hold invoices");
}

} // namespace adit::bench
