#include "browser/browser.h"

#include "base/rng.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <unistd.h>

namespace adit::browser {

namespace {

using nlohmann::json;

constexpr const char* kChromium = "/usr/bin/chromium";
constexpr const char* kDriver = "/usr/bin/chromedriver";
constexpr Milliseconds kStartLimit{60'000};
constexpr Milliseconds kCommandLimit{120'000}; // on a machine that has much else to do
/// WebDriver's name for the member that holds an element's id.
constexpr const char* kElement = "element-6066-11e4-a52e-4f735466cecf";

std::filesystem::path new_folder()
{
    const auto folder =
        std::filesystem::temp_directory_path() / ("adit-browser-" + encode_hex(system_rng().bytes<6>()));
    std::filesystem::create_directory(folder);
    return folder;
}

json capabilities(const std::filesystem::path& folder)
{
    const json arguments = {
        "--headless",
        "--no-sandbox", // which root and containers have none of; the pages are our own
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-ipc-flooding-protection", // a hundred links in a second are no person's, but a test's
        // It asks for nothing that the page does not ask for.
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        // The browser ends when the driver does, however that ends.
        "--remote-debugging-pipe",
        "--window-size=1000,900",
        "--user-data-dir=" + (folder / "profile").string(),
    };
    return {{"capabilities",
             {{"alwaysMatch",
               {{"browserName", "chrome"},
                {"goog:chromeOptions", {{"binary", kChromium}, {"args", arguments}}},
                {"goog:loggingPrefs", {{"browser", "ALL"}, {"performance", "ALL"}}}}}}}};
}

/// The URL of a request, if the event is one: {"method":"Network.requestWillBeSent","params":…}
std::string requested(const json& event)
{
    const std::string method = event.value("method", "");
    const json& parameters = event["params"];
    if (method == "Network.requestWillBeSent") return parameters["request"].value("url", "");
    if (method == "Network.webSocketCreated" || method == "Network.webTransportCreated")
        return parameters.value("url", "");
    return {};
}

} // namespace

const std::string& browser_missing()
{
    static const std::string missing = [] {
        for (const char* program : {kChromium, kDriver})
            if (::access(program, X_OK) != 0) return std::string(program) + " is not installed";
        return std::string();
    }();
    return missing;
}

bool browser_required()
{
    const char* required = std::getenv("ADIT_REQUIRE_BROWSER");
    return (required != nullptr && std::string_view(required) == "1") || std::getenv("CI") != nullptr;
}

Browser::Browser() : folder_(new_folder()), driver_(fakes::start({kDriver, "--port=0"}).value())
{
    static constexpr std::string_view kStarted = "started successfully on port ";
    std::size_t at = std::string::npos;
    const bool started = fakes::eventually(kStartLimit, [&] {
        const std::string& output = driver_.output();
        at = output.find(kStarted);
        return (at != std::string::npos && output.find('\n', at) != std::string::npos) || !driver_.running();
    });
    if (!started || at == std::string::npos) {
        ADD_FAILURE() << "chromedriver does not start: " << driver_.output();
        return;
    }
    driver_url_ = "http://127.0.0.1:" + std::to_string(std::stoi(driver_.output().substr(at + kStarted.size())));
    session_url_ = driver_url_;
    const json session = command("/session", capabilities(folder_));
    if (session.is_null()) return;
    session_url_ = driver_url_ + "/session/" + session.value("sessionId", "");
    devtools("Browser.setDownloadBehavior", {{"behavior", "allow"}, {"downloadPath", folder_.string()}});
}

Browser::~Browser()
{
    // Ends the browser, and then itself.
    static_cast<void>(http_.call({.method = "GET", .url = driver_url_ + "/shutdown"}));
    static_cast<void>(driver_.wait(kStartLimit));
    driver_.stop();
    std::error_code ignored; // a helper process of the browser's may still be writing
    std::filesystem::remove_all(folder_, ignored);
}

void Browser::open(const std::string& url)
{
    follow("about:blank"); // or a URL that differs in its fragment only would not be loaded
    follow(url);
}

void Browser::follow(const std::string& url) { command("/url", {{"url", url}}); }

std::string Browser::text(const std::string& selector)
{
    const json text = ask("/element/" + element(selector) + "/text");
    return text.is_string() ? text.get<std::string>() : "";
}

std::string Browser::property(const std::string& selector, const std::string& name)
{
    const json value = ask("/element/" + element(selector) + "/property/" + name);
    return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string Browser::label(const std::string& selector)
{
    const json label = ask("/element/" + element(selector) + "/computedlabel");
    return label.is_string() ? label.get<std::string>() : "";
}

void Browser::click(const std::string& selector)
{
    command("/element/" + element(selector) + "/click", json::object());
}

void Browser::paste(const std::string& selector, const std::string& text)
{
    run("const field = document.querySelector(" + json(selector).dump() + "); field.focus(); field.select();" +
        (text.empty() ? "document.execCommand('delete');" : ""));
    if (!text.empty()) devtools("Input.insertText", {{"text", text}});
}

void Browser::press(const std::string& keys)
{
    json actions = json::array();
    actions.push_back({{"type", "keyDown"}, {"value", keys}});
    actions.push_back({{"type", "keyUp"}, {"value", keys}});
    command("/actions", {{"actions", {{{"type", "key"}, {"id", "keyboard"}, {"actions", actions}}}}});
}

json Browser::run(const std::string& script)
{
    return command("/execute/sync", {{"script", script}, {"args", json::array()}});
}

Bytes Browser::screenshot(const std::string& selector)
{
    const json picture = ask("/element/" + element(selector) + "/screenshot");
    return picture.is_string() ? parse_base64(picture.get<std::string>()).value() : Bytes{};
}

json Browser::devtools(const std::string& command_name, const json& parameters)
{
    return command("/goog/cdp/execute", {{"cmd", command_name}, {"params", parameters}});
}

std::vector<std::string> Browser::complaints(const std::string& page)
{
    std::vector<std::string> out;
    for (const json& entry : log("browser")) out.push_back("console: " + entry.value("message", ""));
    for (const json& entry : log("performance")) {
        const json event = json::parse(entry.value("message", "{}"), nullptr, false).value("message", json::object());
        const std::string url = requested(event);
        const bool goes_nowhere = url.empty() || url.starts_with("data:") || url.starts_with("blob:");
        if (!goes_nowhere && url != page && url != "about:blank") out.push_back("request: " + url);
    }
    return out;
}

std::vector<json> Browser::log(const std::string& type)
{
    const json entries = command("/se/log", {{"type", type}});
    EXPECT_TRUE(entries.is_array());
    return entries.is_array() ? entries.get<std::vector<json>>() : std::vector<json>{};
}

std::string Browser::element(const std::string& selector)
{
    const json found = command("/element", {{"using", "css selector"}, {"value", selector}});
    return found.is_object() ? found.value(kElement, "") : "";
}

json Browser::command(const std::string& path, const json& body)
{
    return value_of(
        http_.call({.method = "POST", .url = session_url_ + path, .body = body.dump(), .timeout = kCommandLimit}),
        path);
}

json Browser::ask(const std::string& path)
{
    return value_of(http_.call({.method = "GET", .url = session_url_ + path, .timeout = kCommandLimit}), path);
}

json Browser::value_of(const Result<payments::HttpReply>& reply, const std::string& path)
{
    if (!reply) {
        ADD_FAILURE() << path << ": " << reply.error().detail;
        return nullptr;
    }
    json answer = json::parse(reply->body, nullptr, false);
    if (reply->status != 200 || !answer.is_object()) {
        ADD_FAILURE() << path << ": " << reply->body.substr(0, 400);
        return nullptr;
    }
    return answer["value"];
}

} // namespace adit::browser
