// tests/browser/browser.h - a headless Chromium, driven by Debian's chromedriver over loopback (W3C WebDriver).
#pragma once

#include "base/bytes.h"
#include "fakes/netns.h"
#include "payments/http_client.h"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace adit::browser {

/// Why there is no browser here; empty if there is one.
const std::string& browser_missing();
/// ADIT_REQUIRE_BROWSER=1, or CI is set: a browser that is missing is a failure then, not a skip.
bool browser_required();

/// First line of a test that opens pages.
#define ADIT_NEEDS_BROWSER()                                                                                           \
    do {                                                                                                               \
        if (const std::string& missing = ::adit::browser::browser_missing(); !missing.empty()) {                       \
            if (::adit::browser::browser_required()) FAIL() << "a browser is required, but " << missing;               \
            GTEST_SKIP() << "no page is opened here: " << missing;                                                     \
        }                                                                                                              \
    } while (false)

/// One window. What WebDriver refuses is a failure of the test; the answer is null then. Selectors are CSS.
class Browser {
public:
    /// Starts it; downloads go to folder(), which is gone in the end.
    Browser();
    ~Browser();
    Browser(const Browser&) = delete;
    Browser& operator=(const Browser&) = delete;

    /// Loads it anew, whatever is open.
    void open(const std::string& url);
    /// As a click on a link in the page would.
    void follow(const std::string& url);
    /// What a reader sees of it: hidden elements have no text.
    std::string text(const std::string& selector);
    std::string property(const std::string& selector, const std::string& name);
    /// What a screen reader calls it.
    std::string label(const std::string& selector);
    void click(const std::string& selector);
    /// In the place of what is there, as from a clipboard; "" clears it.
    void paste(const std::string& selector, const std::string& text);
    /// Into whatever has the focus. Keys have code points from U+E000: Tab is U+E004.
    void press(const std::string& keys);
    /// The body of a function, which may return a promise.
    nlohmann::json run(const std::string& script);
    /// PNG.
    Bytes screenshot(const std::string& selector);
    /// A command of the DevTools protocol.
    nlohmann::json devtools(const std::string& command, const nlohmann::json& parameters);

    /// Since it was asked last: everything in the console, which is where uncaught exceptions and what the page's
    /// policy forbids go, and every request that is neither for `page` itself nor for data: or blob: URLs, which go
    /// nowhere.
    std::vector<std::string> complaints(const std::string& page);
    const std::filesystem::path& folder() const { return folder_; }

private:
    nlohmann::json command(const std::string& path, const nlohmann::json& body);
    nlohmann::json ask(const std::string& path);
    nlohmann::json value_of(const Result<payments::HttpReply>& reply, const std::string& path);
    std::string element(const std::string& selector);
    std::vector<nlohmann::json> log(const std::string& type);

    std::filesystem::path folder_;
    fakes::Child driver_;
    payments::CurlHttpClient http_;
    std::string driver_url_;
    std::string session_url_;
};

} // namespace adit::browser
