// What a buyer, and who makes crafted links, sees of /config-viewer in a real browser. spec: Config viewer
#include "app/config_viewer.h"
#include "base/file.h"
#include "browser/browser.h"
#include "http/loopback.h"
#include "protocol/wg_config.h"

#include <fstream>
#include <gmock/gmock.h>

namespace adit::browser {
namespace {

using protocol::ClientConfig;
using protocol::ConfigComments;
using protocol::WireguardSecret;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::string kServer = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const std::string kForeign = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=";
const std::string kPrivate = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
const std::string kPreshared = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=";
const std::string kEndpoint = "vpn.example:51820";
/// It is on the page, so it must be harmless there.
const std::string kTitle = "Tom & \"Jerry\" <img src=x onerror=alert(1)></title><script>alert(2)</script>";
const std::string kRefusal = "This link holds no config of this operator, so nothing of it is shown.";
/// A word that crafted links have in whatever they would like to see on the page.
const std::string kMark = "crafted";

WireguardSecret secret(const std::string& base64)
{
    const Bytes bytes = *parse_base64(base64);
    return WireguardSecret(std::span<const std::uint8_t, 32>(bytes.data(), 32));
}

ClientConfig config()
{
    return ClientConfig{{}, {"10.66.42.7/32"}, {"1.1.1.1"}, {}, *protocol::WireguardKey::parse_base64(kServer),
                        {}, kEndpoint};
}

/// As long as configs become: both families, several resolvers, a preshared key.
ClientConfig longest()
{
    ClientConfig out = config();
    out.addresses = {"10.66.142.207/32", "fd00:6642:1234:5678:9abc:def0:1234:5678/128"};
    out.dns = {"10.66.142.1", "fd00:6642:1234:5678:9abc:def0:1234:1", "9.9.9.9", "149.112.112.112", "2620:fe::9"};
    out.mtu = 1420;
    out.preshared_key = secret(kPreshared);
    return out;
}

/// What the daemon puts above a config.
ConfigComments comments()
{
    return {
        kTitle, "30402:ab:d", "1000 sat/day x 2", UnixSeconds(1800000000), "", 1024, "https://vpn.example/session/0"};
}

std::string plain(const ClientConfig& config) { return render_config(config, {}); }

std::string fragment(std::string_view text) { return "#" + encode_base64url(as_bytes(text)); }

std::string replaced(std::string text, const std::string& what, const std::string& by)
{
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), by);
}

/// As the daemon would have written it, had it known the buyer's key.
std::string with_key(const ClientConfig& config)
{
    return replaced(plain(config), std::string(protocol::kPrivateKeyPlaceholder), kPrivate);
}

struct PageState {
    std::string visible; // what can be read, with a blank for every line break
    std::string shown;   // the config, as it is
    std::string note;    // about the buyer's key
    std::string invalid; // "true": the key is marked as wrong
    std::string caption; // of the code
    std::string address;
    std::string markup; // the whole document but for the scripts and the style
    int scripts = 0;
};

/// An expression that becomes a PageState.
const std::string kState = R"(({
    visible: document.body.innerText.replace(/\s+/g, ' ').trim(),
    shown: document.getElementById('text').textContent,
    note: document.getElementById('private-key-note').textContent,
    invalid: document.getElementById('private-key').getAttribute('aria-invalid') ?? '',
    caption: document.getElementById('code-caption').textContent,
    address: location.href,
    markup: [...document.querySelectorAll('html > :not(head, body), head > :not(style), body > :not(script)')]
        .map((element) => element.outerHTML).join('\n'),
    scripts: document.querySelectorAll('script').length,
}))";

PageState page_state(const nlohmann::json& page)
{
    if (!page.is_object()) return {};
    return {page["visible"], page["shown"],   page["note"],   page["invalid"],
            page["caption"], page["address"], page["markup"], page["scripts"]};
}

/// The server with the page on it, and one browser for all tests.
class ConfigViewer : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        if (!browser_missing().empty()) return;
        server_ = std::make_unique<http::TestServer>(http::ServerOptions{}, [](http::Router& router) {
            router.add("GET", "/config-viewer", [](const http::Request&, const http::Responder& responder) {
                responder.send(
                    app::config_viewer_page({*protocol::WireguardKey::parse_base64(kServer), kEndpoint, kTitle}));
            });
            router.add("GET", "/careless", [](const http::Request&, const http::Responder& responder) {
                responder.send(
                    {200, {}, "text/html", "<script>fetch('/elsewhere'); throw new Error('a fit')</script>"});
            });
        });
        browser_ = std::make_unique<Browser>();
        browser_->open("about:blank");
        browser_->complaints(""); // of the browser's own first page
    }
    static void TearDownTestSuite()
    {
        browser_.reset();
        server_.reset();
    }
    void SetUp() override
    {
        ADIT_NEEDS_BROWSER();
        requests_ = server_->stats().requests;
    }
    void TearDown() override
    {
        if (!browser_) return;
        EXPECT_THAT(browser_->complaints(page_url()), IsEmpty());
        EXPECT_EQ(server_->stats().requests, requests_ + opened_) << "the server was asked for more than the page";
    }

    static std::string url(const std::string& path)
    {
        return "http://127.0.0.1:" + std::to_string(server_->port()) + path;
    }
    static std::string page_url() { return url("/config-viewer"); }
    void open(const std::string& fragment)
    {
        ++opened_;
        browser_->open(page_url() + fragment);
    }
    static std::string shown() { return state().shown; }
    static std::string with_heading(const std::string& text) { return kTitle + " WireGuard config " + text; }
    static PageState state() { return page_state(browser_->run("return " + kState)); }
    /// Other links opened in the same tab, one after the other; what the page is after each.
    static std::vector<PageState> relink(const std::vector<std::string>& fragments)
    {
        std::vector<PageState> out;
        // Listeners are called in their order, and the page's is there already.
        for (const auto& each : browser_->run("const states = [];"
                                              "for (const fragment of " +
                                              nlohmann::json(fragments).dump() +
                                              ") {"
                                              "  await new Promise((done) => {"
                                              "    addEventListener('hashchange', done, {once: true});"
                                              "    location.hash = fragment;"
                                              "  });"
                                              "  states.push(" +
                                              kState + "); } return states;"))
            out.push_back(page_state(each));
        return out;
    }
    /// The sentence that refuses, and nothing of what the link held anywhere in the document.
    static void expect_refused(const PageState& state)
    {
        EXPECT_EQ(state.visible, with_heading(kRefusal));
        EXPECT_EQ(state.shown, "");
        EXPECT_EQ(state.scripts, 2);
        for (const std::string& word : {kMark, kForeign, kPreshared})
            EXPECT_EQ(state.markup.find(word), std::string::npos) << word << " is in " << state.markup;
        EXPECT_EQ(state.address, page_url());
    }
    /// What zbarimg reads off the picture of the code.
    static std::string scanned()
    {
        const auto file = browser_->folder() / "code.png";
        const Bytes picture = browser_->screenshot("#code");
        std::ofstream(file, std::ios::binary)
            .write(reinterpret_cast<const char*>(picture.data()), // NOLINT
                   static_cast<std::streamsize>(picture.size()));
        auto reader = fakes::start(
            {"sh", "-c", "exec zbarimg --quiet --raw -Sdisable -Sqrcode.enable \"$0\" 2>/dev/null", file.string()});
        EXPECT_EQ(reader->wait(Milliseconds(20'000)).value(), 0) << reader->output();
        std::string text = reader->output();
        if (text.ends_with('\n')) text.pop_back(); // zbarimg's own
        return text;
    }
    static std::string clipboard() { return browser_->run("return navigator.clipboard.readText()").get<std::string>(); }
    static void window(int width, int height)
    {
        browser_->devtools("Emulation.setDeviceMetricsOverride",
                           {{"width", width}, {"height", height}, {"deviceScaleFactor", 2}, {"mobile", true}});
    }
    static void own_window() { browser_->devtools("Emulation.clearDeviceMetricsOverride", nlohmann::json::object()); }

    static inline std::unique_ptr<http::TestServer> server_;
    static inline std::unique_ptr<Browser> browser_;
    std::uint64_t requests_ = 0;
    std::uint64_t opened_ = 0;
};

TEST_F(ConfigViewer, ACarelessPageWouldBeNoticed)
{
    browser_->open(url("/careless"));
    ASSERT_TRUE(server_->eventually([&](const http::ServerStats& stats) { return stats.requests >= requests_ + 2; }));
    EXPECT_THAT(
        browser_->complaints(url("/careless")),
        AllOf(Contains(AllOf(StartsWith("console: "), HasSubstr("a fit"))), Contains("request: " + url("/elsewhere"))));
    // Its icon is asked for whenever the browser likes; that is why this test counts anew.
    browser_->open("about:blank");
    browser_->complaints("");
    requests_ = server_->stats().requests;
}

TEST_F(ConfigViewer, AGoodLinkShowsTheConfigAndIsGoneFromTheAddress)
{
    for (const ClientConfig& each : {config(), longest()}) {
        open(fragment(render_config(each, comments())));
        const PageState page = state();
        EXPECT_EQ(page.shown, plain(each));
        EXPECT_TRUE(protocol::parse_config(page.shown));
        EXPECT_THAT(page.visible, AllOf(StartsWith(with_heading("Your private key")),
                                        HasSubstr("PublicKey = " + kServer), Not(HasSubstr("1000 sat"))));
        EXPECT_EQ(page.address, page_url());
    }
    EXPECT_EQ(browser_->run("return document.title"), "WireGuard config · " + kTitle);
    EXPECT_EQ(browser_->run("return document.images.length"), 0) << "the title became an image";
}

TEST_F(ConfigViewer, TheBuyersKeyIsFilledIn)
{
    open(fragment(plain(longest())));
    browser_->paste("#private-key", " " + kPrivate + " ");
    PageState page = state();
    EXPECT_EQ(page.shown, with_key(longest()));
    EXPECT_EQ(page.note, "Filled in.");
    EXPECT_EQ(page.invalid, "false");
    browser_->paste("#private-key", "");
    page = state();
    EXPECT_EQ(page.shown, plain(longest()));
    EXPECT_EQ(page.note, "");
}

TEST_F(ConfigViewer, AKeyThatIsNoneIsNamedAndNotFilledIn)
{
    open(fragment(plain(longest())));
    const std::pair<std::string, std::string> wrong[]{
        {"abc", "That is no WireGuard key: one has 44 characters, and the last is “=”."},
        {kPrivate.substr(0, 42) + "l=", "That is no WireGuard key: one has 44 characters, and the last is “=”."},
        {kPrivate.substr(0, 43), "That is no WireGuard key: one has 44 characters, and the last is “=”."},
        {std::string(43, 'A') + "=", "A key of zeros protects nothing."},
        {kServer, "That is the public key of the operator’s server."},
        {kPreshared, "That is the preshared key, which is in the config already."},
    };
    for (const auto& [key, words] : wrong) {
        browser_->paste("#private-key", key);
        const PageState page = state();
        EXPECT_EQ(page.note, words);
        EXPECT_EQ(page.invalid, "true");
        EXPECT_EQ(page.shown, plain(longest())) << words;
    }
    browser_->paste("#private-key", kForeign); // a public key, as its bits say
    EXPECT_EQ(state().note, "Filled in. It looks like a public key, though: is it the private one?");
}

TEST_F(ConfigViewer, AKeyInTheLinkIsKeptUntilTheBuyerGivesAnother)
{
    open(fragment(with_key(config())));
    EXPECT_EQ(shown(), with_key(config()));
    EXPECT_EQ(browser_->property("#private-key", "value"), "");
    browser_->paste("#private-key", kForeign);
    EXPECT_THAT(shown(), HasSubstr("PrivateKey = " + kForeign + "\n"));
}

TEST_F(ConfigViewer, TheQrCodeIsTheConfigByteForByte)
{
    for (const ClientConfig& each : {config(), longest()}) {
        open(fragment(plain(each)));
        EXPECT_EQ(scanned(), plain(each));
        EXPECT_EQ(state().caption, "Without your private key: add it after scanning.");
        browser_->paste("#private-key", kPrivate);
        EXPECT_EQ(scanned(), with_key(each));
        EXPECT_EQ(state().caption, "The code holds a private key: show it to nobody.");
    }
}

TEST_F(ConfigViewer, APhoneShowsItWithoutScrollingSideways)
{
    window(320, 640);
    open(fragment(plain(longest())));
    EXPECT_EQ(browser_->run("return document.documentElement.scrollWidth"), 320);
    EXPECT_EQ(scanned(), plain(longest()));
    own_window();
}

TEST_F(ConfigViewer, AConfigTooLongForACodeIsShownWithoutOne)
{
    ClientConfig wordy = config();
    wordy.dns = std::vector<std::string>(16, std::string(250, 'a'));
    open(fragment(plain(wordy)));
    EXPECT_EQ(shown(), plain(wordy));
    EXPECT_EQ(browser_->text("figure"), "The config is too long for a QR code.");
    EXPECT_EQ(browser_->run("return document.getElementById('code').checkVisibility()"), false);
}

TEST_F(ConfigViewer, TheFileIsTheConfig)
{
    open(fragment(plain(longest())));
    browser_->paste("#private-key", kPrivate);
    browser_->click("#download");
    const auto file = browser_->folder() / "tunnel.conf";
    ASSERT_TRUE(fakes::eventually(Milliseconds(20'000), [&] { return std::filesystem::exists(file); }));
    EXPECT_EQ(read_file(file.string()).value(), with_key(longest()));
    EXPECT_EQ(browser_->text("#status"), "Saved as tunnel.conf. Delete the file once it is imported.");
}

TEST_F(ConfigViewer, CopyPutsTheConfigOnTheClipboard)
{
    open(fragment(plain(config())));
    browser_->devtools("Browser.grantPermissions",
                       {{"permissions", {"clipboardReadWrite", "clipboardSanitizedWrite"}}});
    browser_->paste("#private-key", kPrivate);
    browser_->click("#copy");
    ASSERT_TRUE(fakes::eventually(Milliseconds(10'000), [&] { return browser_->text("#status") == "Copied."; }));
    EXPECT_EQ(clipboard(), with_key(config()));

    browser_->paste("#private-key", "");
    browser_->run("navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'))");
    browser_->click("#copy");
    ASSERT_TRUE(fakes::eventually(Milliseconds(10'000), [&] { return browser_->text("#status") == "Copied."; }));
    EXPECT_EQ(protocol::parse_config(clipboard()).value().endpoint, kEndpoint);
    EXPECT_THAT(clipboard(), Not(HasSubstr(kPrivate)));
}

TEST_F(ConfigViewer, ValuesAreTakenAsBuyersSoftwareTakesThem)
{
    // Without an expected text: refused.
    struct Case {
        std::string key;
        std::string value;
        std::optional<std::string> written;
    };
    const Case cases[]{
        {"Address", "10.0.0.1", "10.0.0.1"},
        {"Address", " 10.0.0.1/0 ,fd00::1/128", "10.0.0.1/0, fd00::1/128"},
        {"Address", "::ffff:1.2.3.4/96", "::ffff:1.2.3.4/96"},
        {"Address", "10.0.0.1/33", {}},
        {"Address", "10.0.0.1/", {}},
        {"Address", "10.0.0.1/3/2", {}},
        {"Address", "10.0.0.256", {}},
        {"Address", "10.0.0.01", {}},
        {"Address", "10.0.1", {}},
        {"Address", "fd00::1/129", {}},
        {"Address", "fd00:::1", {}},
        {"Address", "fd00::1::2", {}},
        {"Address", "1:2:3:4:5:6:7", {}},
        {"Address", "12345::", {}},
        {"Address", "[fd00::1]", {}},
        {"Address", "10.0.0.1,", {}},
        {"DNS", "9.9.9.9, 2620:fe::9, lan.example", "9.9.9.9, 2620:fe::9, lan.example"},
        {"DNS", "-x.example", {}},
        {"DNS", "ex ample", {}},
        {"DNS", "bücher.example", {}},
        {"MTU", "576", "576"},
        {"MTU", "575", {}},
        {"MTU", "65536", {}},
        {"MTU", "1e3", {}},
        {"MTU", "-1", {}},
        {"AllowedIPs", "10.0.0.0/8, ::/0", "10.0.0.0/8, ::/0"},
        {"AllowedIPs", "off", {}},
        {"PersistentKeepalive", "0", "0"},
        {"PersistentKeepalive", "off", "0"},
        {"PersistentKeepalive", "65535", "65535"},
        {"PersistentKeepalive", "65536", {}},
    };
    const std::string good = plain(longest());
    open(fragment(good));
    for (const auto& [key, value, written] : cases) {
        const std::string line = "\n" + key + " = ";
        std::string text = good;
        const std::size_t at = text.find(line) + line.size();
        const std::size_t end = text.find('\n', at);
        const std::string expected = text.substr(0, at) + written.value_or("") + text.substr(end);
        text.replace(at, end - at, value);
        SCOPED_TRACE(key + " = " + value);
        const PageState page = relink({fragment(text)}).at(0);
        if (written)
            EXPECT_EQ(page.shown, expected);
        else
            expect_refused(page);
        EXPECT_EQ(protocol::parse_config(text).has_value(), written.has_value());
    }
}

/// Everything that a crafted link may try, made of a good config.
class Crafted {
public:
    explicit Crafted(std::string good) : good_(std::move(good)) {}

    std::vector<std::string> all()
    {
        add_lines();
        for (const std::string key : {"PrivateKey", "Address", "DNS", "MTU", "PublicKey", "PresharedKey", "Endpoint",
                                      "AllowedIPs", "PersistentKeepalive"})
            add_about(key);
        add_foreign();
        add_bytes();
        return std::move(texts_);
    }

private:
    void add(std::string text) { texts_.push_back(std::move(text)); }
    std::string value_of(const std::string& key) const
    {
        const std::size_t at = good_.find("\n" + key + " = ") + key.size() + 4;
        return good_.substr(at, good_.find('\n', at) - at);
    }
    std::string with(const std::string& key, const std::string& value) const
    {
        return replaced(good_, "\n" + key + " = " + value_of(key) + "\n", "\n" + key + " = " + value + "\n");
    }
    std::string without(const std::string& key) const
    {
        return replaced(good_, "\n" + key + " = " + value_of(key) + "\n", "\n");
    }
    /// A line more, after the one that starts so.
    std::string inserted(const std::string& after, const std::string& line) const
    {
        const std::size_t end = good_.find('\n', good_.find(after));
        return good_.substr(0, end + 1) + line + "\n" + good_.substr(end + 1);
    }

    void add_lines()
    {
        for (const std::string line :
             {"PostUp = touch /crafted", "PreUp = crafted", "PostDown = crafted", "PreDown = crafted", "Table = off",
              "SaveConfig = true", "FwMark = 0xcafe", "ListenPort = 51820", "__proto__ = crafted",
              "constructor = crafted", "toString = crafted", "crafted", "= crafted", "[Interface]", "[crafted]"}) {
            add(inserted("Address", line));
            add(inserted("Endpoint", line));
            add(line + "\n" + good_);
        }
    }
    void add_about(const std::string& key)
    {
        const std::string markup = "<img src=x onerror=alert('crafted')>";
        const std::string value = value_of(key);
        const std::string line = key + " = " + value;
        add(with(key, markup));
        add(with(key, value + markup));
        add(with(key, value + " # " + markup));
        add(with(key, value + ", crafted/example"));
        add(with(key, value + "\\nPostUp = crafted"));
        add(with(key, ""));
        add(inserted(key, line)); // twice
        const bool of_the_peer = good_.find(line) > good_.find("[Peer]");
        add(of_the_peer ? replaced(without(key), "[Peer]", line + "\n[Peer]") : without(key) + line);
        if (key == "Address" || key == "PublicKey" || key == "Endpoint" || key == "AllowedIPs") add(without(key));
    }
    void add_foreign()
    {
        add("# <img src=x onerror=alert('crafted')>\n" + good_);
        add(good_ + "# <script>alert('crafted')</script>");
        add("<script>alert('crafted')</script>");
        add(with("PublicKey", kForeign));
        add(with("Endpoint", "crafted.example:51820"));
        add(with("Endpoint", "VPN.example:51820"));
        add(with("Endpoint", "vpn.example:51821"));
        add(with("PrivateKey", "<crafted>"));
        const std::string peer = good_.substr(good_.find("[Peer]"));
        add(good_ + "\n" + peer);
        add(good_ + "\n" + replaced(replaced(peer, kServer, kForeign), kEndpoint, "crafted.example:1"));
    }
    void add_bytes()
    {
        std::string crlf;
        for (const char c : good_) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
        add(crlf);
        for (const char c : {'\0', '\x01', '\t', '\r', '\x1b', '\x7f'}) {
            add(with("MTU", std::string(1, c) + "1420"));
            add("# crafted" + std::string(1, c) + "\n" + good_);
        }
        add("\xef\xbb\xbf" + good_);                                  // a byte order mark
        add(with("MTU", "\xef\xbc\x91\xef\xbc\x94\xef\xbc\x92\x30")); // fullwidth digits
        add(with("MTU", "\xc2\xa0"
                        "1420"));                                   // a no-break space
        add(replaced(good_, "[Peer]", "[Peer]\xe2\x80\xa8"));       // a line separator
        add(replaced(good_, "AllowedIPs", "AllowedIP\xc5\xbf"));    // a long s
        add("# crafted \xff\xfe\n" + good_);                        // no UTF-8
        add("# crafted \xed\xa0\x80\n" + good_);                    // a surrogate
        add("# crafted \xc0\xae\n" + good_);                        // an overlong form
        add("# crafted" + std::string(75'000, 'x') + "\n" + good_); // 100 kB of base64
        add("\n");
    }

    const std::string good_;
    std::vector<std::string> texts_;
};

TEST_F(ConfigViewer, ACraftedConfigShowsNothing)
{
    const std::string good = plain(longest());
    const std::vector<std::string> crafted = Crafted(good).all();
    ASSERT_GT(crafted.size(), 150U);
    open(fragment(good));
    // Every now and then after a good one, of which nothing may be left.
    constexpr std::size_t kStep = 10;
    for (std::size_t first = 0; first < crafted.size(); first += kStep) {
        const std::span group = std::span(crafted).subspan(first, std::min(kStep, crafted.size() - first));
        std::vector<std::string> links{fragment(good)};
        for (const std::string& text : group) links.push_back(fragment(text));
        const std::vector<PageState> pages = relink(links);
        EXPECT_EQ(pages.at(0).shown, good);
        for (std::size_t i = 0; i < group.size(); ++i) {
            SCOPED_TRACE(group[i].substr(0, 600));
            expect_refused(pages.at(i + 1));
        }
    }
}

TEST_F(ConfigViewer, ACraftedLinkOpenedAnewShowsNothing)
{
    const std::string good = plain(config());
    const std::string encoded = fragment(good);
    for (const std::string& link :
         {std::string("#crafted!"), std::string("#<img src=x onerror=alert('crafted')>"), std::string("#__proto__"),
          std::string("#a"), std::string("#text"), encoded + "=", encoded + "%3D", encoded + "#crafted",
          encoded.substr(0, encoded.size() - 5), "#" + encode_base64(as_bytes(good + "# >?>?")),
          fragment(replaced(good, kServer, kForeign)), fragment(good + "PostUp = touch /crafted\n"),
          fragment(replaced(good, "1.1.1.1", "<img src=x onerror=alert('crafted')>")),
          "#" + std::string(100'000, 'A')}) {
        SCOPED_TRACE(link.substr(0, 200));
        open(link);
        expect_refused(state());
    }
}

TEST_F(ConfigViewer, AnotherLinkInTheSameTabTakesThePlaceOfTheFirst)
{
    open(fragment(plain(longest())));
    browser_->paste("#private-key", kPrivate);
    const PageState page = relink({fragment(plain(config()))}).at(0);
    EXPECT_EQ(page.shown, plain(config())) << "the key was for the other config";
    EXPECT_EQ(browser_->property("#private-key", "value"), "");
    EXPECT_EQ(page.address, page_url());
}

TEST_F(ConfigViewer, AReloadForgetsAndSaysWhatThePageIsFor)
{
    open(fragment(plain(longest())));
    open("");
    const PageState page = state();
    EXPECT_THAT(page.visible, AllOf(StartsWith(with_heading("This page opens the config of a tunnel")),
                                    HasSubstr("Nothing leaves this page"), Not(HasSubstr("Endpoint"))));
    EXPECT_EQ(page.shown, "");
}

TEST_F(ConfigViewer, WithoutJavaScriptThePageSaysSo)
{
    browser_->devtools("Emulation.setScriptExecutionDisabled", {{"value", true}});
    open(fragment(plain(config())));
    const std::string text = browser_->text("main");
    browser_->devtools("Emulation.setScriptExecutionDisabled", {{"value", false}});
    EXPECT_THAT(text, AllOf(HasSubstr("This page needs JavaScript"), HasSubstr("Nothing leaves the page"),
                            Not(HasSubstr("Endpoint")), Not(HasSubstr("Your private key"))));
}

TEST_F(ConfigViewer, EverythingHasANameAndIsReachedByKeyboard)
{
    open(fragment(plain(config())));
    EXPECT_EQ(browser_->label("#private-key"), "Your private key (optional)");
    EXPECT_EQ(browser_->label("#text"), "Config");
    EXPECT_EQ(browser_->label("#code"), "QR code of the config");
    EXPECT_EQ(browser_->label("#download"), "Download tunnel.conf");
    EXPECT_EQ(browser_->label("#copy"), "Copy");
    for (const std::string id : {"private-key", "text", "download", "copy"}) {
        browser_->press("\xee\x80\x84"); // Tab
        EXPECT_EQ(browser_->run("return document.activeElement.id"), id);
    }
}

} // namespace
} // namespace adit::browser
