#include "base/loop.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <libwebsockets.h>
#include <map>
#include <mutex>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace adit {

namespace {

constexpr rlim_t kOpenFiles = 8192;
constexpr std::size_t kReadyAtOnce = 64;
constexpr unsigned kServiceBufferBytes = 16384;

void log_of_lws(int, const char* line)
{
    std::string_view text(line);
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    log_debug("libwebsockets", {{"line", text}});
}

void limit_open_files()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = std::min(limit.rlim_max, kOpenFiles);
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::uint32_t events_of(Loop::Interest interest)
{
    switch (interest) {
    case Loop::Interest::none:
        return 0;
    case Loop::Interest::read:
        return EPOLLIN;
    case Loop::Interest::write:
        return EPOLLOUT;
    case Loop::Interest::read_write:
        return EPOLLIN | EPOLLOUT;
    }
    return 0;
}

void nothing(lws_sorted_usec_list_t*) {}

/// Sockets of ours are kept in one epoll descriptor, and libwebsockets polls that one beside its own. Its table of
/// descriptors then stays small, and a thousand idle buyers cost its poll() nothing.
class LwsLoop final : public Loop {
public:
    LwsLoop() = default;
    LwsLoop(const LwsLoop&) = delete;
    LwsLoop& operator=(const LwsLoop&) = delete;
    ~LwsLoop() override
    {
        if (context_) {
            lws_sul_cancel(&alarm_);
            lws_context_destroy(context_);
        }
        if (epoll_ >= 0 && !epoll_adopted_) ::close(epoll_);
    }

    bool open(const lws_protocols* protocols)
    {
        std::signal(SIGPIPE, SIG_IGN);
        limit_open_files();
        lws_set_log_level(LLL_ERR | LLL_WARN, log_of_lws);
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        if (epoll_ < 0) return false;

        lws_context_creation_info info{};
        info.port = CONTEXT_PORT_NO_LISTEN;
        info.gid = -1;
        info.uid = -1;
        info.pt_serv_buf_size = kServiceBufferBytes;
        info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        context_ = lws_create_context(&info);
        if (!context_) return false;

        static constexpr std::array<lws_protocols, 2> kNone{{{"none", lws_callback_http_dummy, 0, 0, 0, nullptr, 0}}};
        info.options = 0;
        info.vhost_name = "default";
        info.protocols = protocols ? protocols : kNone.data();
        if (!lws_create_vhost(context_, &info)) return false;

        info.vhost_name = "adit-watch";
        info.protocols = watch_protocols_.data();
        info.user = this;
        lws_vhost* const vhost = lws_create_vhost(context_, &info);
        if (!vhost) return false;
        lws_sock_file_fd_type descriptor{};
        descriptor.filefd = epoll_;
        epoll_adopted_ = lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, descriptor,
                                                    watch_protocols_.front().name, nullptr) != nullptr;
        return epoll_adopted_;
    }

    lws_context* context() override { return context_; }

    void run() override
    {
        for (;;) {
            const bool stopping = stopping_.exchange(false);
            run_posted();
            if (stopping) return;
            run_due();
            set_alarm();
            lws_service(context_, 0); // waits for sockets, the alarm, or lws_cancel_service()
        }
    }

    void post(Task task) override
    {
        bool first = false;
        {
            const std::lock_guard lock(mutex_);
            first = posted_.empty();
            posted_.push_back(std::move(task));
        }
        // A queue that was not empty has been announced already, and run_posted() takes all of it.
        if (first) lws_cancel_service(context_);
    }

    void stop() override
    {
        stopping_ = true;
        lws_cancel_service(context_);
    }

    TimerId after(Milliseconds delay, Task task) override
    {
        const TimerId id = ++last_timer_;
        const SteadyTime due = system_clock().steady() + std::max(delay, Milliseconds(0));
        timers_.emplace(std::pair(due, id), std::move(task));
        due_of_.emplace(id, due);
        // A timer of libwebsockets' own may be calling, which goes on to wait without coming back to run().
        if (timers_.begin()->first.second == id) set_alarm();
        return id;
    }

    void cancel(TimerId id) override
    {
        const auto found = due_of_.find(id);
        if (found == due_of_.end()) return;
        timers_.erase({found->second, id});
        due_of_.erase(found);
    }

    void watch(int fd, Interest interest, Watcher watcher) override
    {
        const std::uint32_t turn = ++last_turn_;
        const bool added = watched_.emplace(fd, std::make_shared<Watched>(Watched{std::move(watcher), turn})).second;
        CHECK(added);
        epoll_event event = wanted(fd, turn, interest);
        CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
    }

    void change_interest(int fd, Interest interest) override
    {
        const auto found = watched_.find(fd);
        CHECK(found != watched_.end());
        epoll_event event = wanted(fd, found->second->turn, interest);
        CHECK(::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0);
    }

    void unwatch(int fd) override
    {
        if (watched_.erase(fd) == 0) return;
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    }

private:
    struct Watched {
        Watcher watcher;
        std::uint32_t turn; // which watch() of this descriptor number: a stale event must not reach its successor
    };

    static epoll_event wanted(int fd, std::uint32_t turn, Interest interest)
    {
        epoll_event event{};
        event.events = events_of(interest);
        event.data.u64 = std::uint64_t{turn} << 32 | static_cast<std::uint32_t>(fd);
        return event;
    }

    static int on_lws(lws* wsi, lws_callback_reasons reason, void*, void*, size_t)
    {
        if (reason == LWS_CALLBACK_RAW_RX_FILE)
            static_cast<LwsLoop*>(lws_vhost_user(lws_get_vhost(wsi)))->serve_watched();
        return 0;
    }

    void serve_watched()
    {
        std::array<epoll_event, kReadyAtOnce> events{};
        const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            const auto found = watched_.find(static_cast<int>(event.data.u64 & 0xFFFFFFFFU));
            if (found == watched_.end() || found->second->turn != event.data.u64 >> 32) continue;
            const std::shared_ptr<Watched> held = found->second; // shared with the map, which the watcher may change
            held->watcher({(event.events & EPOLLIN) != 0, (event.events & EPOLLOUT) != 0,
                           (event.events & (EPOLLHUP | EPOLLERR)) != 0});
        }
    }

    void run_posted()
    {
        std::vector<Task> tasks;
        {
            const std::lock_guard lock(mutex_);
            tasks.swap(posted_);
        }
        for (Task& task : tasks) {
            task();
            task = nullptr; // what it holds is released in order too
        }
    }

    void run_due()
    {
        const SteadyTime now = system_clock().steady();
        while (!timers_.empty() && timers_.begin()->first.first <= now) {
            const auto node = timers_.extract(timers_.begin());
            due_of_.erase(node.key().second);
            node.mapped()();
        }
    }

    void set_alarm()
    {
        if (timers_.empty()) {
            lws_sul_cancel(&alarm_);
            return;
        }
        const auto wait = std::chrono::duration_cast<std::chrono::microseconds>(timers_.begin()->first.first -
                                                                                system_clock().steady());
        // libwebsockets cuts its wait to whole milliseconds; without the 999 it would spin through the last one.
        lws_sul_schedule(context_, 0, &alarm_, nothing, std::max<lws_usec_t>(wait.count(), 0) + 999);
    }

    const std::array<lws_protocols, 2> watch_protocols_{{{"adit-watch", on_lws, 0, 0, 0, nullptr, 0}}};
    lws_context* context_ = nullptr;
    lws_sorted_usec_list_t alarm_{};
    int epoll_ = -1;
    bool epoll_adopted_ = false; // then libwebsockets closes it

    std::mutex mutex_;
    std::vector<Task> posted_;
    std::atomic<bool> stopping_{false};

    std::map<std::pair<SteadyTime, TimerId>, Task> timers_;
    std::unordered_map<TimerId, SteadyTime> due_of_;
    TimerId last_timer_ = 0;

    std::unordered_map<int, std::shared_ptr<Watched>> watched_;
    std::uint32_t last_turn_ = 0;
};

} // namespace

std::unique_ptr<Loop> Loop::create(const lws_protocols* protocols)
{
    auto loop = std::make_unique<LwsLoop>();
    if (!loop->open(protocols)) return nullptr;
    return loop;
}

} // namespace adit
