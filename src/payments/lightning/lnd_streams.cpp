#include "payments/lightning/lnd_streams.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "payments/curl_call.h"

#include <algorithm>

namespace adit::payments::lightning {
namespace {

constexpr std::size_t kMaxFailure = 4096; // bytes of an answer that is not 200
constexpr Milliseconds kLongest{60'000};

/// A path's bytes are base64url with its padding.
std::string path_of(const std::optional<PaymentHash>& hash, std::uint64_t settle_index)
{
    if (hash) return "/v2/invoices/subscribe/" + encode_base64url(*hash) + "=";
    // Without an add_index nothing is told again of what was added; 0 is none here too.
    return "/v1/invoices/subscribe?settle_index=" + std::to_string(settle_index);
}

} // namespace

void LndStreams::CloseMulti::operator()(CURLM* multi) const { curl_multi_cleanup(multi); }

/// Of the thread only. Open while `easy` is there.
struct LndStreams::Stream {
    struct CloseEasy {
        CURLM* multi;
        void operator()(CURL* handle) const
        {
            curl_multi_remove_handle(multi, handle);
            curl_easy_cleanup(handle);
        }
    };

    Stream(const EventTiming& timing, Listener& to, std::optional<PaymentHash> of, std::uint64_t index)
        : listener(to), hash(of), settle_index(index), backoff(timing.backoff, timing.backoff_cap)
    {
    }

    /// curl's, and the only places that its thread comes from.
    static size_t on_body(char* bytes, size_t size, size_t count, void* user)
    {
        auto& self = *static_cast<Stream*>(user);
        return self.receive({bytes, size * count}) ? size * count : 0; // 0 ends the transfer
    }
    static int on_request(void* user, char*, char*, int, int)
    {
        static_cast<Stream*>(user)->connected = true;
        return CURL_PREREQFUNC_OK;
    }

    bool receive(std::string_view bytes)
    {
        long status = 0;
        curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
        if (status == 200) return lines.feed(bytes, [this](std::string_view line) { return take(line); });
        failure.append(bytes.substr(0, kMaxFailure - std::min(kMaxFailure, failure.size())));
        return true;
    }

    bool take(std::string_view line)
    {
        const auto invoice = parse_lnd_stream_line(line);
        if (!invoice || (hash && invoice->payment_hash != *hash)) {
            problem = invoice ? "it tells of another invoice" : invoice.error().detail;
            return false;
        }
        if (invoice->state == InvoiceState::open) return true; // ours, just made
        listener.invoice_changed(invoice->payment_hash);
        if (hash) {
            over = invoice->state != InvoiceState::accepted;
            return !over;
        }
        if (invoice->settle_index > settle_index) {
            settle_index = invoice->settle_index;
            listener.told_up_to(settle_index);
        }
        return true;
    }

    Listener& listener;
    const std::optional<PaymentHash> hash; // none: all of them
    std::uint64_t settle_index;
    Backoff backoff;
    SteadyTime due{}; // when it may be opened
    SteadyTime opened{};
    HttpCall call = {}; // what curl points to, with the next one
    std::unique_ptr<CurlCall> prepared = {};
    std::unique_ptr<CURL, CloseEasy> easy = {nullptr, CloseEasy{nullptr}};
    LndLines lines = {};
    std::string failure = {};
    std::string problem = {};
    bool connected = false; // the request is on its way
    bool told = false;      // that it is
    bool over = false;      // nothing can come any more
};

LndStreams::LndStreams(const NodeAccess& access, EventTiming timing)
    : access_(access), timing_(timing), multi_([] {
          init_curl();
          return curl_multi_init();
      }())
{
    CHECK(multi_ != nullptr);
}

LndStreams::~LndStreams() { stop(); }

void LndStreams::start(Listener& listener, std::uint64_t settle_index)
{
    CHECK(!thread_.joinable());
    thread_ = std::thread([this, &listener, settle_index] { run(listener, settle_index); });
}

void LndStreams::follow(const PaymentHash& hash)
{
    {
        const std::lock_guard lock(mutex_);
        std::erase(followed_, hash);
        followed_.push_back(hash);
        if (followed_.size() > kMaxFollowed) followed_.pop_front();
    }
    curl_multi_wakeup(multi_.get());
}

void LndStreams::forget(const PaymentHash& hash)
{
    const std::lock_guard lock(mutex_);
    std::erase(followed_, hash);
}

void LndStreams::stop()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    curl_multi_wakeup(multi_.get());
    if (thread_.joinable()) thread_.join();
}

void LndStreams::run(Listener& listener, std::uint64_t settle_index)
{
    Stream all(timing_, listener, std::nullopt, settle_index);
    Streams streams;
    const auto make = [&](const PaymentHash& hash) {
        return std::make_unique<Stream>(timing_, listener, hash, std::uint64_t{0});
    };
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return;
            std::erase_if(streams, [&](const auto& entry) {
                return std::find(followed_.begin(), followed_.end(), entry.first) == followed_.end();
            });
            for (const PaymentHash& hash : followed_)
                if (!streams.contains(hash)) streams.emplace(hash, make(hash));
        }
        open_due(all);
        for (const auto& [hash, stream] : streams) open_due(*stream);
        int running = 0;
        curl_multi_perform(multi_.get(), &running);
        if (all.connected && !all.told) {
            all.told = true;
            log_info("lightning_events_connected", {{"backend", access_.name}});
            listener.events_may_be_missing();
        }
        end_finished(streams);
        const auto wait = until_next(all, streams);
        if (wait > Milliseconds(0)) curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(wait.count()), nullptr);
    }
}

void LndStreams::open_due(Stream& stream)
{
    if (stream.easy || system_clock().steady() < stream.due) return;
    stream.easy = {curl_easy_init(), Stream::CloseEasy{multi_.get()}};
    CHECK(stream.easy != nullptr);
    stream.lines.clear();
    stream.failure.clear();
    stream.problem.clear();
    stream.connected = stream.told = false;
    stream.opened = system_clock().steady();
    stream.call = {.method = "GET",
                   .url = access_.url.text() + path_of(stream.hash, stream.settle_index),
                   .timeout = Milliseconds(0), // none: it may be silent for days
                   .secret_header = &access_.header,
                   .ca_file = access_.ca_file};
    stream.prepared = std::make_unique<CurlCall>(stream.easy.get(), stream.call, &Stream::on_body, &stream);
    CURL* const easy = stream.easy.get();
    const bool good =
        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &Stream::on_request) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PREREQDATA, &stream) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PRIVATE, &stream) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, static_cast<long>(timing_.ping.count())) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, static_cast<long>(timing_.ping.count())) == CURLE_OK;
    if (!good || stream.prepared->problem() || curl_multi_add_handle(multi_.get(), easy) != CURLM_OK)
        end(stream, "libcurl refuses the request");
}

void LndStreams::end_finished(Streams& streams)
{
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        void* user = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
        auto& stream = *static_cast<Stream*>(user);
        std::string why = message->data.result == CURLE_OK ? "its end" : curl_easy_strerror(message->data.result);
        if (!stream.problem.empty()) why = stream.problem;
        const LndFailure failure = read_lnd_failure(stream.failure);
        if (!failure.message.empty()) why = fit_for_log(failure.message);
        if (stream.hash && (stream.over || says_unknown_invoice(failure))) {
            const PaymentHash hash = *stream.hash;
            forget(hash);
            streams.erase(hash);
            continue;
        }
        end(stream, why);
    }
}

void LndStreams::end(Stream& stream, const std::string& why)
{
    const SteadyTime now = system_clock().steady();
    if (stream.told) log_warn("lightning_events_lost", {{"backend", access_.name}, {"why", why}});
    // One that opens and ends at once, again and again, is not a good one.
    if (stream.connected && now - stream.opened >= timing_.backoff_cap) stream.backoff.reset();
    stream.due = now + stream.backoff.next(system_rng());
    stream.easy.reset();
    stream.prepared.reset();
}

Milliseconds LndStreams::until_next(const Stream& all, const Streams& streams) const
{
    const SteadyTime now = system_clock().steady();
    SteadyTime next = now + kLongest;
    const auto look_at = [&](const Stream& stream) {
        if (!stream.easy) next = std::min(next, stream.due);
    };
    look_at(all);
    for (const auto& [hash, stream] : streams) look_at(*stream);
    return std::chrono::ceil<Milliseconds>(std::max(next, now) - now);
}

} // namespace adit::payments::lightning
