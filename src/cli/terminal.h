// cli/terminal.h - what a user sees. Results go to standard output, everything else to standard error.
#pragma once

#include "base/secret_text.h"
#include "cli/buyer.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace adit::cli {

class Terminal final : public Reporter {
public:
    /// `stream` ends up on standard error; `tty` decides about colours and the line of progress.
    Terminal();
    ~Terminal() override;
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void say(const std::string& line) override;
    /// One line that counts its seconds, shown once they are more than one; nothing where there is no terminal.
    void progress(const std::string& line) override;
    void show_invoice(const std::string& bolt11, Sat amount, std::optional<UnixSeconds> expiry) override;
    void pause(Milliseconds length) override;

    /// The line of progress is gone afterwards.
    void quiet();
    void out(const std::string& text); // to standard output
    void qr(std::string_view text);
    /// For what wallets read in capitals too (bech32): they make a smaller code.
    void qr_in_capitals(std::string text);
    bool is_tty() const { return tty_; }
    /// Of standard error, or 100 where it has none.
    std::size_t width() const;
    /// Asks a question; false without a terminal, and for every answer but y and yes.
    bool confirm(const std::string& question);
    /// Whether there is somebody to answer: standard input and error are terminals.
    bool can_ask() const;
    /// A line of text, without the blanks around it; `otherwise` for an empty one. None where the input has ended.
    std::optional<std::string> ask(const std::string& question, const std::string& otherwise = {});
    /// The same, not shown while it is typed, and with nothing in its place.
    std::optional<SecretText> ask_secret(const std::string& question);

private:
    void tick();
    void erase_line();

    const bool tty_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string line_;
    SteadyTime since_;
    bool drawn_ = false;
    bool over_ = false;
    std::thread ticker_;
};

} // namespace adit::cli
