#include "cli/live_screen.h"

#include "base/check.h"
#include "base/clock.h"
#include "cli/printable.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace adit::cli {

namespace {

constexpr std::array kTaken{SIGINT, SIGTERM, SIGHUP, SIGWINCH};
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l"; // the alternate page, no cursor
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";

int signal_pipe[2] = {-1, -1}; // of the one screen there is

extern "C" void on_screen_signal(int signal)
{
    const int before = errno;
    const char byte = signal == SIGWINCH ? 'w' : 'e';
    [[maybe_unused]] const auto written = ::write(signal_pipe[1], &byte, 1);
    errno = before;
}

void write_all(std::string_view text)
{
    while (!text.empty()) {
        const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return; // the terminal is gone, and SIGHUP says the rest
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

} // namespace

struct LiveScreen::Before {
    std::array<struct sigaction, kTaken.size()> actions{};
    std::optional<termios> keys;
};

bool LiveScreen::possible() { return ::isatty(STDOUT_FILENO) == 1; }

LiveScreen::LiveScreen() : before_(std::make_unique<Before>())
{
    CHECK(signal_pipe[0] < 0);
    CHECK(::pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) == 0);
    for (std::size_t i = 0; i < kTaken.size(); ++i) {
        struct sigaction action {};
        action.sa_handler = &on_screen_signal;
        ::sigaction(kTaken.at(i), &action, &before_->actions.at(i));
    }
    termios keys{};
    if (::tcgetattr(STDIN_FILENO, &keys) == 0) {
        before_->keys = keys;
        keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        keys.c_cc[VSUSP] = _POSIX_VDISABLE; // stopped, it would leave its page behind
        ::tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    }
    write_all(kEnter);
}

LiveScreen::~LiveScreen()
{
    write_all(kLeave);
    if (before_->keys) ::tcsetattr(STDIN_FILENO, TCSANOW, &*before_->keys);
    for (std::size_t i = 0; i < kTaken.size(); ++i) ::sigaction(kTaken.at(i), &before_->actions.at(i), nullptr);
    for (int& end : signal_pipe) {
        ::close(end);
        end = -1;
    }
}

void LiveScreen::draw(const std::string& text)
{
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    const std::size_t columns = known ? size.ws_col : 80;
    std::size_t rows = known ? size.ws_row : 24;
    std::string out = "\x1b[H";
    std::string_view rest = text;
    while (!rest.empty() && rows > 0) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        out += fitted(rest.substr(0, end), columns);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (--rows > 0) out += "\r\n";
    }
    if (rows > 0) out += "\x1b[J";
    write_all(out);
}

bool LiveScreen::wait(Milliseconds length)
{
    const SteadyTime until = system_clock().steady() + length;
    for (;;) {
        const auto left = std::chrono::ceil<Milliseconds>(until - system_clock().steady());
        if (left <= Milliseconds(0)) return true;
        std::array<pollfd, 2> watched{pollfd{signal_pipe[0], POLLIN, 0},
                                      pollfd{before_->keys ? STDIN_FILENO : -1, POLLIN, 0}};
        const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(left.count()));
        if (ready < 0 && errno != EINTR) return false;
        if (ready <= 0) continue;
        char byte = 0;
        if ((watched[0].revents & POLLIN) != 0 && ::read(signal_pipe[0], &byte, 1) == 1) return byte == 'w';
        if (watched[1].revents == 0) continue;
        if (::read(STDIN_FILENO, &byte, 1) != 1 || byte == 'q') return false;
    }
}

} // namespace adit::cli
