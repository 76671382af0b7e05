// payments/lightning/lnd_streams.h - LND's streams of invoices, all in one thread: one that tells of every settlement,
// and one for each hold invoice that is followed, since only that one tells of `accepted`.
#pragma once

#include "payments/lightning/backend.h"
#include "payments/lightning/event_timing.h"
#include "payments/lightning/lnd_json.h"
#include "payments/lightning/node_http.h"

#include <curl/curl.h>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace adit::payments::lightning {

/// The stream of all goes on where it stopped, by LND's settle_index; only what is not a settlement can be missed. The
/// stream of one invoice begins with its present state, so it misses nothing. LND sends no byte, not even the head of
/// an answer, before it has something to tell: connected is who has sent the request.
class LndStreams {
public:
    static constexpr std::size_t kMaxFollowed = 64;

    /// `access` must outlive it.
    LndStreams(const NodeAccess& access, EventTiming timing);
    ~LndStreams();
    LndStreams(const LndStreams&) = delete;
    LndStreams& operator=(const LndStreams&) = delete;

    /// Once. Backend::start
    void start(Listener& listener, std::uint64_t settle_index);
    /// Any thread. One that is over is followed no longer.
    void follow(const PaymentHash& hash);
    /// Not from the listener.
    void stop();

private:
    struct Stream;
    struct CloseMulti {
        void operator()(CURLM* multi) const;
    };
    using Streams = std::map<PaymentHash, std::unique_ptr<Stream>>;

    void run(Listener& listener, std::uint64_t settle_index);
    void open_due(Stream& stream);
    void end_finished(Streams& streams);
    void end(Stream& stream, const std::string& why);
    Milliseconds until_next(const Stream& all, const Streams& streams) const;
    void forget(const PaymentHash& hash);

    const NodeAccess& access_;
    const EventTiming timing_;
    const std::unique_ptr<CURLM, CloseMulti> multi_;
    std::mutex mutex_;
    std::deque<PaymentHash> followed_; // guarded by mutex_, the oldest first
    bool stopping_ = false;            // guarded by mutex_
    std::thread thread_;
};

} // namespace adit::payments::lightning
