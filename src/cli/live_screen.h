// cli/live_screen.h - a terminal that shows one text, drawn anew again and again, and is as before afterwards.
#pragma once

#include "base/time.h"

#include <memory>
#include <string>

namespace adit::cli {

/// One at a time, on standard output. It takes SIGINT, SIGTERM, SIGHUP and SIGWINCH for as long as it lives.
class LiveScreen {
public:
    /// Whether standard output is a terminal.
    static bool possible();

    /// Another page of the terminal, without a cursor; keys are not shown.
    LiveScreen();
    /// The page of before.
    ~LiveScreen();
    LiveScreen(const LiveScreen&) = delete;
    LiveScreen& operator=(const LiveScreen&) = delete;

    /// Lines without control characters; what does not fit is cut.
    void draw(const std::string& text);
    /// False: the user wants to leave (^C, q), or a signal says so. Returns early when the window's size changes.
    bool wait(Milliseconds length);

private:
    struct Before;
    const std::unique_ptr<Before> before_;
};

} // namespace adit::cli
