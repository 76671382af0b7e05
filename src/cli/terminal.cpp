#include "cli/terminal.h"

#include "base/ascii.h"
#include "cli/printable.h"
#include "cli/qr.h"

#include <cstdio>
#include <iostream>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace adit::cli {

Terminal::Terminal() : tty_(::isatty(STDERR_FILENO) == 1)
{
    if (tty_) ticker_ = std::thread([this] { tick(); });
}

Terminal::~Terminal()
{
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
        erase_line();
    }
    changed_.notify_all();
    if (ticker_.joinable()) ticker_.join();
}

void Terminal::tick()
{
    std::unique_lock lock(mutex_);
    while (!over_) {
        changed_.wait_for(lock, std::chrono::milliseconds(250));
        const auto waited = std::chrono::duration_cast<std::chrono::seconds>(system_clock().steady() - since_).count();
        if (over_ || line_.empty() || waited < 1) continue;
        const std::string text = fitted(line_ + " … " + std::to_string(waited) + " s", width() - 1);
        std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
        std::fflush(stderr);
        drawn_ = true;
    }
}

void Terminal::erase_line()
{
    line_.clear();
    if (!drawn_) return;
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
    drawn_ = false;
}

void Terminal::quiet()
{
    const std::lock_guard lock(mutex_);
    erase_line();
}

void Terminal::say(const std::string& line)
{
    const std::lock_guard lock(mutex_);
    erase_line();
    std::fprintf(stderr, "%s\n", line.c_str());
}

void Terminal::progress(const std::string& line)
{
    if (!tty_) return;
    const std::lock_guard lock(mutex_);
    if (line_ == line) return;
    line_ = line;
    since_ = system_clock().steady();
}

void Terminal::pause(Milliseconds length) { std::this_thread::sleep_for(length); }

void Terminal::show_invoice(const std::string& bolt11, Sat amount, std::optional<UnixSeconds> expiry)
{
    const std::string text = printable(bolt11, 8192);
    say("Pay this Lightning invoice over " + std::to_string(amount.count()) + " sat:\n");
    say(text + "\n");
    qr_in_capitals(text);
    if (expiry) say("It is good until " + to_iso8601(*expiry) + ".");
}

void Terminal::out(const std::string& text)
{
    quiet();
    std::cout << text << std::flush;
}

void Terminal::qr(std::string_view text)
{
    const auto code = qr_code(text, tty_ ? Ink::ansi : Ink::plain);
    say(code ? *code : "(" + code.error().detail + ")");
}

void Terminal::qr_in_capitals(std::string text)
{
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    qr(text);
}

std::size_t Terminal::width() const
{
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 40) return 100;
    return size.ws_col;
}

bool Terminal::confirm(const std::string& question)
{
    if (!can_ask()) return false;
    quiet();
    std::fprintf(stderr, "%s [y/N] ", question.c_str());
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

bool Terminal::can_ask() const { return tty_ && ::isatty(STDIN_FILENO) == 1; }

std::optional<std::string> Terminal::ask(const std::string& question, const std::string& otherwise)
{
    quiet();
    std::fprintf(stderr, "%s%s: ", question.c_str(), otherwise.empty() ? "" : (" [" + otherwise + "]").c_str());
    std::string answer;
    if (!std::getline(std::cin, answer)) return std::nullopt;
    const std::string inner(trimmed(answer, " \t\r"));
    return inner.empty() ? otherwise : inner;
}

std::optional<SecretText> Terminal::ask_secret(const std::string& question)
{
    quiet();
    termios before{};
    const bool shown = ::tcgetattr(STDIN_FILENO, &before) == 0;
    if (shown) {
        termios silent = before;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    std::fprintf(stderr, "%s: ", question.c_str()); // only now: who sees it may type at once
    std::string answer;
    const bool answered = static_cast<bool>(std::getline(std::cin, answer));
    if (shown) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fputs("\n", stderr);
    SecretText secret(std::move(answer));
    if (!answered) return std::nullopt;
    return secret;
}

} // namespace adit::cli
