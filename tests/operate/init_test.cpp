// The built adit makes a shop: what is there afterwards, what it never touches, and what is left when it is killed.
#include "app/seed_file.h"
#include "fakes/seeded_rng.h"
#include "operate/shop_answers.h"
#include "payments/cashu/curve.h"
#include "protocol/constants.h"
#include "protocol/nip19.h"

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace adit::operate {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kGivenWords =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

class Init : public ::testing::Test {
protected:
    struct Ended {
        int status = -1;
        std::string out;
        std::string err;
    };
    Init()
    {
        char name[] = "/tmp/adit-init-XXXXXX";
        EXPECT_NE(::mkdtemp(name), nullptr);
        base_ = name;
    }
    ~Init() override { fs::remove_all(base_); }

    fs::path etc() const { return base_ / "etc"; }
    fs::path secret(const char* name) const { return etc() / "secret" / name; }

    static std::vector<char*> pointers(std::vector<std::string>& texts)
    {
        std::vector<char*> out;
        for (std::string& text : texts) out.push_back(text.data());
        out.push_back(nullptr);
        return out;
    }
    static std::string text_of(const fs::path& path)
    {
        const auto text = read_file(path);
        EXPECT_TRUE(text) << path;
        return text ? *text : "";
    }
    static mode_t mode_of(const fs::path& path)
    {
        struct stat status {};
        EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
        return status.st_mode & 07777;
    }
    static void put(const fs::path& path, const std::string& text, mode_t mode = 0600)
    {
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
        EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    }
    void put_secret(const char* name, const std::string& text, mode_t mode = 0600)
    {
        put(secret(name), text, mode);
        for (const fs::path& folder : {etc(), etc() / "secret"}) EXPECT_EQ(::chmod(folder.c_str(), 0700), 0);
    }

    std::vector<std::string> words_of(std::vector<std::string> more) const
    {
        std::vector<std::string> words{
            std::string(ADIT_BINARIES) + "/adit", "init", "--dir", etc().string(), "--data", (base_ / "data").string()};
        words.insert(words.end(), more.begin(), more.end());
        return words;
    }
    static pid_t start(std::vector<std::string> words, int in, int out, int err,
                       std::vector<std::string> environment = {})
    {
        posix_spawn_file_actions_t files;
        ::posix_spawn_file_actions_init(&files);
        ::posix_spawn_file_actions_adddup2(&files, in, 0);
        ::posix_spawn_file_actions_adddup2(&files, out, 1);
        ::posix_spawn_file_actions_adddup2(&files, err, 2);
        environment.emplace_back("PATH=/usr/bin:/bin");
        for (const char* kept : {"ASAN_OPTIONS", "UBSAN_OPTIONS"})
            if (const char* value = std::getenv(kept)) environment.push_back(std::string(kept) + "=" + value);
        pid_t pid = -1;
        EXPECT_EQ(::posix_spawn(&pid, words[0].c_str(), &files, nullptr, pointers(words).data(),
                                pointers(environment).data()),
                  0);
        ::posix_spawn_file_actions_destroy(&files);
        return pid;
    }
    static int wait_for(pid_t pid)
    {
        int status = 0;
        EXPECT_EQ(::waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    Ended run(std::vector<std::string> words, const std::string& in = "", std::vector<std::string> environment = {})
    {
        const auto open = [&](const char* name, int flags) {
            return ::open((base_ / name).c_str(), flags | O_CLOEXEC, 0600);
        };
        std::ofstream(base_ / "in") << in;
        const int input = open("in", O_RDONLY);
        const int out = open("out", O_WRONLY | O_CREAT | O_TRUNC);
        const int err = open("err", O_WRONLY | O_CREAT | O_TRUNC);
        const int status = wait_for(start(std::move(words), input, out, err, std::move(environment)));
        for (const int fd : {input, out, err}) ::close(fd);
        return {status, text_of(base_ / "out"), text_of(base_ / "err")};
    }
    Ended init(std::vector<std::string> more, const std::string& in = "", std::vector<std::string> environment = {})
    {
        return run(words_of(std::move(more)), in, std::move(environment));
    }
    static std::vector<std::string> needed(std::vector<std::string> more = {})
    {
        std::vector<std::string> all{"--unattended", "--public-host", "vpn.shop.test", "--mint",
                                     "https://mint.shop.test"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    app::LoadedConfig loaded() const
    {
        auto config = app::load_config(etc() / "config.toml");
        EXPECT_THAT(config.errors, IsEmpty());
        std::erase_if(config.warnings, [](const std::string& each) {
            return each.find("wireguard.manage") != std::string::npos; // until the daemon makes its own interface
        });
        EXPECT_THAT(config.warnings, IsEmpty());
        return config;
    }
    std::map<std::string, std::string> all_files() const
    {
        std::map<std::string, std::string> files;
        std::error_code failed;
        for (const auto& entry : fs::recursive_directory_iterator(etc(), failed))
            if (entry.is_regular_file()) files[entry.path().string()] = text_of(entry.path());
        return files;
    }
    /// Everything is there, of one piece, and says one thing.
    void expect_whole() const
    {
        const auto config = loaded();
        ASSERT_TRUE(config.config);
        EXPECT_TRUE(app::read_seed_words(config.config->cashu.seed_file));
        for (const char* name : {"nsec", "p2pk", "wg.key", "wallet.seed"}) EXPECT_EQ(mode_of(secret(name)), 0600U);
        for (const fs::path& folder : {etc(), etc() / "secret", base_ / "data"}) EXPECT_EQ(mode_of(folder), 0700U);
        EXPECT_EQ(mode_of(etc() / "config.toml"), 0600U);
        for (const auto& [path, text] : all_files()) {
            EXPECT_THAT(path, Not(HasSubstr(".new")));
            EXPECT_FALSE(text.empty()) << path;
        }
    }

    fs::path base_;
};

TEST_F(Init, MakesAShopThatTheDaemonTakes)
{
    const Ended made = init(needed({"--price", "21/hour", "--price", "500/GiB", "--relay", "wss://relay.shop.test"}));
    ASSERT_EQ(made.status, 0) << made.err;
    expect_whole();
    const auto config = loaded();
    ASSERT_TRUE(config.config);
    EXPECT_EQ(config.config->listing.prices.size(), 2U);
    EXPECT_EQ(config.config->database.ours, base_ / "data" / "adit.db");

    // What it shows is what will be published.
    const auto key = config.config->nostr.key.public_key();
    EXPECT_THAT(made.out, HasSubstr(protocol::encode_npub(key)));
    const auto naddr = protocol::encode_naddr({"vpn-1", {"wss://relay.shop.test"}, key, protocol::kKindListing});
    ASSERT_TRUE(naddr);
    EXPECT_THAT(made.out, HasSubstr(*naddr));
    EXPECT_THAT(made.out, HasSubstr(payments::cashu::even_point(config.config->cashu.sales_key->public_key()).hex()));
    EXPECT_THAT(made.out, HasSubstr("TCP 443"));
    EXPECT_THAT(made.out, HasSubstr("UDP 51820"));
    EXPECT_THAT(made.out, HasSubstr("vpn.shop.test  A "));
    for (const char* name : {"nsec", "p2pk", "wg.key", "wallet.seed"}) {
        std::string text = text_of(secret(name));
        text.pop_back();
        EXPECT_THAT(made.out + made.err, Not(HasSubstr(text))) << name;
    }
}

TEST_F(Init, FillsInWhatStandsAroundTheDaemon)
{
    const Ended made = init(needed({"--port", "8181", "--interface", "wg7"}));
    ASSERT_EQ(made.status, 0) << made.err;
    const std::string caddy = text_of(etc() / "deploy" / "Caddyfile");
    EXPECT_THAT(caddy, HasSubstr("\n{$ADIT_SITE:vpn.shop.test} {\n"));
    EXPECT_THAT(caddy, HasSubstr("{$ADIT_UPSTREAM:127.0.0.1:8181}"));
    EXPECT_FALSE(fs::exists(etc() / "deploy" / "docker-compose.yml"));
    EXPECT_EQ(mode_of(etc() / "deploy" / "Caddyfile"), 0644U);
    const fs::path unit = etc() / "deploy" / "aditd.service";
    if (!fs::exists(unit)) GTEST_SKIP() << "this build has no unit file";
    EXPECT_THAT(text_of(unit),
                HasSubstr(std::string(ADIT_BINARIES) + "/aditd --config " + etc().string() + "/config.toml"));
    EXPECT_THAT(text_of(unit), HasSubstr("ReadWritePaths=" + (base_ / "data").string()));
    EXPECT_THAT(text_of(unit), Not(HasSubstr("StateDirectory")));
}

TEST_F(Init, MakesAShopForContainers)
{
    const Ended made =
        run({std::string(ADIT_BINARIES) + "/adit", "init", "--docker", "--dir", etc().string(), "--unattended",
             "--public-host", "vpn.shop.test", "--mint", "https://mint.shop.test", "--udp-port", "51999"});
    ASSERT_EQ(made.status, 0) << made.err;
    const auto config = loaded();
    ASSERT_TRUE(config.config);
    EXPECT_EQ(config.config->server.host, "0.0.0.0");
    EXPECT_EQ(config.config->database.ours, "/var/lib/adit/adit.db"); // the container's
    EXPECT_THAT(made.out, Not(HasSubstr("for the database")));
    EXPECT_THAT(made.out, HasSubstr("docker compose"));
    const std::string compose = text_of(etc() / "deploy" / "docker-compose.yml");
    EXPECT_THAT(compose, HasSubstr(etc().string() + ":/etc/adit"));
    EXPECT_THAT(text_of(etc() / "deploy" / ".env"), HasSubstr("ADIT_SITE=vpn.shop.test\n"));
    EXPECT_FALSE(fs::exists(etc() / "deploy" / "aditd.service"));
    if (compose.find("networks:") == std::string::npos) return;
    EXPECT_THAT(compose, HasSubstr("51999:51999/udp"));
    EXPECT_THAT(compose, HasSubstr("aditd:8080"));
    // Behind a proxy that is not believed, all buyers are one source.
    ASSERT_EQ(config.config->server.trusted_proxies.size(), 3U);
    EXPECT_THAT(compose, HasSubstr(config.config->server.trusted_proxies[2].address.text()));
}

TEST_F(Init, NamesAFolderBesideTheComposeFileAsComposeDoes)
{
    const Ended made =
        run({std::string(ADIT_BINARIES) + "/adit", "init", "--docker", "--dir", etc().string(), "--files",
             base_.string(), "--unattended", "--public-host", "vpn.shop.test", "--mint", "https://mint.shop.test"});
    ASSERT_EQ(made.status, 0) << made.err;
    const std::string compose = text_of(base_ / "docker-compose.yml");
    EXPECT_THAT(compose, HasSubstr("- ./etc:/etc/adit:ro\n"));
    EXPECT_THAT(compose, Not(HasSubstr(base_.string())));
}

TEST_F(Init, SaysAllThatIsMissingBeforeAnythingIsWritten)
{
    const Ended refused = init({"--unattended"});
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("--public-host is missing"));
    EXPECT_THAT(refused.err, HasSubstr("--mint is missing"));
    EXPECT_FALSE(fs::exists(etc()));
    // No terminal is as good as --unattended.
    EXPECT_EQ(init({}).status, 2);
    EXPECT_FALSE(fs::exists(etc()));
}

TEST_F(Init, RefusesWrongAnswersBeforeAnythingIsWritten)
{
    const std::vector<std::vector<std::string>> wrong{
        {"--public-host", "no host"},
        {"--mint", "ftp://x"},
        {"--price", "much/hour"},
        {"--relay", "http://relay"},
        {"--subnet", "10.0.0.0/33"},
        {"--subnet6", "fe80"},
        {"--udp-port", "70000"},
        {"--port", "0"},
        {"--lightning", "cln"},
        {"--lightning", "phoenixd"},
        {"--interface", "a/b"},
        {"--lnd-cert-file", "/etc/passwd"},
        {"--endpoint-host", "a b"},
        {"--d-tag", std::string(300, 'x')},
        {"--data", "/a b"},
        {"--files", "/tmp/$(x)"},
        {"--owner", "nobody-of-that-name"},
        {"--nsec-file", "/nowhere"},
        {"--lightning", "lnd", "--lnd-macaroon-file", "/nowhere", "--lnd-cert-file", "/nowhere"}};
    for (const auto& words : wrong) {
        std::vector<std::string> all{"--unattended"};
        for (const auto& [option, value] : std::map<std::string, std::string>{{"--public-host", "vpn.shop.test"},
                                                                              {"--mint", "https://mint.shop.test"}})
            if (std::ranges::find(words, option) == words.end()) all.insert(all.end(), {option, value});
        all.insert(all.end(), words.begin(), words.end());
        std::erase_if(all, [n = 0](const std::string& word) mutable { return word == "--data" && n++ > 0; });
        const Ended refused =
            words[0] == "--data"
                ? run({std::string(ADIT_BINARIES) + "/adit", "init", "--dir", etc().string(), "--data", words[1]})
                : init(all);
        EXPECT_NE(refused.status, 0) << words[0] << " " << words[1];
        const std::string says = words[1] == "/nowhere" ? words[1] : words[0];
        EXPECT_THAT(refused.err,
                    ::testing::AnyOf(HasSubstr(says), HasSubstr("-file is missing"), HasSubstr("--lnd-macaroon-file:")))
            << words[1];
        EXPECT_FALSE(fs::exists(etc())) << words[0];
    }
}

TEST_F(Init, TakesALightningNodeAlone)
{
    put(base_ / "macaroon", "0201036c6e64", 0600);
    put(base_ / "tls.cert", "a certificate", 0644);
    const Ended made =
        init({"--unattended", "--public-host", "vpn.shop.test", "--lightning", "lnd", "--lnd-macaroon-file",
              (base_ / "macaroon").string(), "--lnd-cert-file", (base_ / "tls.cert").string(), "--hold"});
    ASSERT_EQ(made.status, 0) << made.err;
    const auto config = loaded();
    ASSERT_TRUE(config.config);
    EXPECT_TRUE(config.config->lightning.sells());
    EXPECT_TRUE(config.config->lightning.hold);
    EXPECT_EQ(config.config->lightning.base_url, "https://127.0.0.1:8080");
    EXPECT_FALSE(config.config->cashu.enabled);
    EXPECT_EQ(config.config->listing.payments.size(), 1U);
}

TEST_F(Init, TakesPhoenixdBesideAMint)
{
    put(base_ / "password", "abc", 0600);
    const Ended made =
        init(needed({"--lightning", "phoenixd", "--phoenixd-password-file", (base_ / "password").string()}));
    ASSERT_EQ(made.status, 0) << made.err;
    const auto config = loaded();
    ASSERT_TRUE(config.config);
    EXPECT_EQ(config.config->lightning.base_url, "http://127.0.0.1:9740");
    EXPECT_EQ(config.config->listing.payments.size(), 2U);
    EXPECT_THAT(text_of(etc() / "config.toml"), Not(HasSubstr("abc\n")));
}

TEST_F(Init, RunsAgainAndChangesNothing)
{
    ASSERT_EQ(init(needed()).status, 0);
    const auto before = all_files();
    const Ended again = init(needed({"--public-host=other.test"}));
    EXPECT_NE(again.status, 0); // given twice
    const Ended other = init({"--unattended", "--public-host", "other.test", "--mint", "https://other.test"});
    EXPECT_EQ(other.status, 0) << other.err;
    EXPECT_THAT(other.out, HasSubstr("kept"));
    EXPECT_THAT(other.out, Not(HasSubstr("made")));
    EXPECT_EQ(all_files(), before);
    // And without any answer, since none is needed.
    EXPECT_EQ(init({"--unattended"}).status, 0);
    EXPECT_EQ(all_files(), before);
}

TEST_F(Init, MakesWhatIsMissingAroundAConfigThatIsThere)
{
    ASSERT_EQ(init(needed()).status, 0);
    const fs::path caddyfile = etc() / "deploy" / "Caddyfile";
    const std::string caddy = text_of(caddyfile);
    fs::remove_all(etc() / "deploy");
    ASSERT_EQ(init({"--unattended"}).status, 0);
    EXPECT_EQ(text_of(caddyfile), caddy);
    fs::remove_all(etc() / "deploy");
    put(caddyfile, "mine\n", 0644);
    ::chmod((etc() / "deploy").c_str(), 0755);
    const Ended again = init({"--unattended"});
    ASSERT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(text_of(caddyfile), "mine\n");
    EXPECT_THAT(again.out, HasSubstr("it says other things"));
}

TEST_F(Init, LeavesAConfigAloneThatCanNotBeUsed)
{
    put(etc() / "config.toml", "[server]\nhost = 7\n");
    const auto before = all_files();
    const Ended refused = init(needed());
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("config.toml"));
    EXPECT_THAT(refused.err, HasSubstr("server.host"));
    EXPECT_EQ(all_files(), before);
}

TEST_F(Init, UsesSecretsThatAreThereAndNeverWritesThem)
{
    fakes::SeededRng rng(11);
    const auto key = protocol::SecretKey::generate(rng);
    put_secret("nsec", encode_hex(key.expose()) + "\n");
    put_secret("wallet.seed", std::string(kGivenWords) + "\n");
    const Ended made = init(needed());
    ASSERT_EQ(made.status, 0) << made.err;
    EXPECT_EQ(text_of(secret("nsec")), encode_hex(key.expose()) + "\n");
    EXPECT_EQ(text_of(secret("wallet.seed")), std::string(kGivenWords) + "\n");
    EXPECT_THAT(made.out, HasSubstr(protocol::encode_npub(key.public_key())));
    expect_whole();
}

TEST_F(Init, TouchesNothingWhereASecretCanNotBeTrusted)
{
    struct Case {
        const char* name;
        std::string text;
        mode_t mode;
        const char* says;
    };
    for (const Case& each :
         {Case{"nsec", std::string(64, '1'), 0644, "chmod 600"}, Case{"p2pk", std::string(64, '1'), 0640, "chmod 600"},
          Case{"nsec", "", 0600, "empty"}, Case{"nsec", "nsec1half", 0600, "move it away"},
          Case{"p2pk", std::string(63, '1'), 0600, "move it away"}, Case{"wg.key", "AAAA", 0600, "move it away"},
          Case{"wallet.seed", "abandon abandon", 0600, "move it away"},
          Case{"wallet.seed", std::string(5000, 'a'), 0600, "wallet.seed"}}) {
        put_secret(each.name, each.text, each.mode);
        const auto before = all_files();
        const Ended refused = init(needed());
        EXPECT_EQ(refused.status, 1) << each.name;
        EXPECT_THAT(refused.err, HasSubstr(secret(each.name).string()));
        EXPECT_THAT(refused.err, HasSubstr(each.says));
        EXPECT_THAT(refused.err, HasSubstr("Nothing was written"));
        if (each.text.size() > 8) EXPECT_THAT(refused.err, Not(HasSubstr(each.text)));
        EXPECT_EQ(all_files(), before);
        fs::remove_all(etc());
    }
}

TEST_F(Init, FollowsNoLinkInPlaceOfASecret)
{
    put(base_ / "elsewhere", "precious");
    put_secret("p2pk", std::string(64, '3'));
    fs::create_symlink(base_ / "elsewhere", secret("nsec"));
    EXPECT_EQ(init(needed()).status, 1);
    fs::remove(secret("nsec"));
    fs::create_symlink(base_ / "nowhere", secret("nsec"));
    const Ended refused = init(needed());
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("is a link"));
    EXPECT_EQ(text_of(base_ / "elsewhere"), "precious");
    EXPECT_FALSE(fs::exists(base_ / "nowhere"));
    EXPECT_FALSE(fs::exists(etc() / "config.toml"));
}

TEST_F(Init, WritesOnlyIntoFoldersThatAreItsOwn)
{
    put(base_ / "etc", "a file");
    EXPECT_THAT(init(needed()).err, HasSubstr("is no folder"));
    fs::remove(base_ / "etc");
    fs::create_directories(etc() / "secret");
    ::chmod((etc() / "secret").c_str(), 0755);
    EXPECT_THAT(init(needed()).err, HasSubstr("chmod 700"));
    ::chmod((etc() / "secret").c_str(), 0700);
    ::chmod(etc().c_str(), 0777);
    EXPECT_THAT(init(needed()).err, HasSubstr("others may write"));
    EXPECT_TRUE(all_files().empty());
    // Where nothing can be made, not even by root.
    const Ended refused = run({std::string(ADIT_BINARIES) + "/adit", "init", "--dir", "/proc/adit", "--unattended",
                               "--public-host", "vpn.shop.test", "--mint", "https://mint.shop.test"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("/proc"));
}

TEST_F(Init, TakesANostrKeyThatTheOperatorHas)
{
    fakes::SeededRng rng(12);
    const auto key = protocol::SecretKey::generate(rng);
    put(base_ / "mine", protocol::encode_nsec(key), 0644);
    EXPECT_THAT(init(needed({"--nsec-file", (base_ / "mine").string()})).err, HasSubstr("chmod 600"));
    EXPECT_FALSE(fs::exists(etc()));
    ::chmod((base_ / "mine").c_str(), 0600);
    const Ended made = init(needed({"--nsec-file", (base_ / "mine").string()}));
    ASSERT_EQ(made.status, 0) << made.err;
    EXPECT_EQ(loaded().config->nostr.key.public_key(), key.public_key());
    // Another one is no reason to overwrite it.
    put(base_ / "other", encode_hex(protocol::SecretKey::generate(rng).expose()), 0600);
    const auto before = all_files();
    EXPECT_EQ(init(needed({"--nsec-file", (base_ / "other").string()})).status, 1);
    fs::remove(etc() / "config.toml");
    const Ended refused = init(needed({"--nsec-file", (base_ / "other").string()}));
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("never overwritten"));
    EXPECT_EQ(text_of(secret("nsec")), before.at(secret("nsec").string()));
}

TEST_F(Init, PutsWordsBackAndShowsThem)
{
    const Ended made = init(needed({"--restore-words", "-"}), "  Abandon abandon abandon abandon abandon abandon\n"
                                                              "abandon abandon abandon abandon abandon about\n");
    ASSERT_EQ(made.status, 0) << made.err;
    EXPECT_EQ(text_of(secret("wallet.seed")), std::string(kGivenWords) + "\n");
    EXPECT_THAT(made.out, Not(HasSubstr("abandon")));
    EXPECT_THAT(made.err, HasSubstr("asks each mint"));

    const Ended shown = init({"--show-words"});
    EXPECT_EQ(shown.status, 0) << shown.err;
    EXPECT_EQ(shown.out, std::string(kGivenWords) + "\n");

    // The same again is no mistake; others are.
    put(base_ / "words", kGivenWords, 0600);
    EXPECT_EQ(init({"--unattended", "--restore-words", (base_ / "words").string()}).status, 0);
    fakes::SeededRng rng(13);
    const std::string others = payments::cashu::generate_mnemonic(rng);
    const Ended refused = init({"--unattended", "--restore-words", "-"}, others);
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("never overwritten"));
    EXPECT_THAT(refused.err, Not(HasSubstr(others)));
    EXPECT_EQ(text_of(secret("wallet.seed")), std::string(kGivenWords) + "\n");

    // And into a shop whose words were lost.
    fs::remove(secret("wallet.seed"));
    EXPECT_EQ(init({"--unattended", "--restore-words", "-"}, kGivenWords).status, 0);
    EXPECT_EQ(text_of(secret("wallet.seed")), std::string(kGivenWords) + "\n");
    EXPECT_EQ(mode_of(secret("wallet.seed")), 0600U);
}

TEST_F(Init, RefusesWordsThatAreNone)
{
    for (const std::string& words : {std::string(), std::string("abandon"), std::string(kGivenWords) + " about",
                                     std::string(kGivenWords).replace(0, 7, "abandom"), std::string(100'000, 'a')}) {
        const Ended refused = init(needed({"--restore-words", "-"}), words);
        EXPECT_EQ(refused.status, 1) << words.substr(0, 40);
        EXPECT_THAT(refused.err, Not(HasSubstr("abandom")));
        EXPECT_FALSE(fs::exists(etc()));
    }
}

TEST_F(Init, GivesFilesToTheirOwner)
{
    if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
    ASSERT_EQ(init(needed({"--owner", "10001"})).status, 0);
    for (const auto& [path, text] : all_files()) {
        struct stat status {};
        ASSERT_EQ(::stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_uid, 10001U) << path;
        EXPECT_EQ(status.st_gid, 10001U) << path;
    }
    struct stat status {};
    ASSERT_EQ(::stat((base_ / "data").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 10001U);
}

TEST_F(Init, WhoIsNotRootGetsAShopInAFolderOfTheirOwnAndAClearWordElsewhere)
{
    const fs::path program = base_ / "adit"; // that user may not get to the build's folder
    fs::copy_file(std::string(ADIT_BINARIES) + "/adit", program);
    ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
    std::vector<std::string> words{program.string(), "init"};
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(base_.c_str(), 65534, 65534), 0);
        words.insert(words.begin(), {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"});
    }
    const auto with = [&](std::vector<std::string> more) {
        std::vector<std::string> all = words;
        for (const auto& list : {more, needed()}) all.insert(all.end(), list.begin(), list.end());
        return all;
    };
    const Ended made = run(with({"--dir", etc().string()}));
    EXPECT_EQ(made.status, 0) << made.err;
    EXPECT_EQ(made.err, "");
    EXPECT_EQ(loaded().config->database.ours, etc() / "data" / "adit.db");
    EXPECT_EQ(mode_of(etc() / "data"), 0700U);

    const Ended refused = run(with({"--dir", "/usr/adit-of-nobody"}));
    EXPECT_NE(refused.status, 0);
    EXPECT_THAT(refused.err, HasSubstr("Permission denied: run it as root, or name a folder of yours"));
    EXPECT_THAT(refused.err, HasSubstr("Nothing was written"));
    EXPECT_FALSE(fs::exists("/usr/adit-of-nobody"));
}

#ifdef ADIT_CRASH_POINTS
TEST_F(Init, KilledAnywhereItGoesOnWithWhatIsThere)
{
    constexpr int kDied = 86; // crash_point.h
    int points = 0;
    for (int n = 1; !HasFailure(); ++n) {
        SCOPED_TRACE(n);
        fs::remove_all(etc());
        fs::remove_all(base_ / "data");
        const Ended died = init(needed(), "", {"ADIT_CRASH_AT=" + std::to_string(n)});
        const auto before = all_files();
        if (died.status != kDied) {
            EXPECT_EQ(died.status, 0) << died.err;
            break;
        }
        ++points;
        const Ended again = init(needed());
        EXPECT_EQ(again.status, 0) << again.err;
        expect_whole();
        const auto after = all_files();
        for (const auto& [path, text] : before) EXPECT_EQ(after.at(path), text) << path;
    }
    EXPECT_GE(points, 14); // before and after each file
}
#endif

TEST_F(Init, SweepsUpWhatAKilledRunWasWriting)
{
    put_secret(".p2pk.999999999.new", "half");
    put_secret(".mine.new", "not ours");
    const Ended made = init(needed());
    ASSERT_EQ(made.status, 0) << made.err;
    EXPECT_FALSE(fs::exists(secret(".p2pk.999999999.new")));
    EXPECT_TRUE(fs::exists(secret(".mine.new")));
    EXPECT_THAT(made.out, HasSubstr("half written"));
}

TEST_F(Init, LeavesNothingHalfWrittenOnAFullDisk)
{
    // Files of one block at most: the Caddyfile has more.
    std::string command = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";
    std::vector<std::string> words{"/bin/bash", "-c", command};
    const auto rest = words_of(needed());
    words.insert(words.end(), rest.begin(), rest.end());
    const Ended full = run(words);
    EXPECT_EQ(full.status, 1);
    EXPECT_THAT(full.err, HasSubstr("cannot write"));
    EXPECT_FALSE(fs::exists(etc() / "config.toml"));
    const auto before = all_files();
    EXPECT_EQ(before.count(secret("nsec").string()), 1U);
    const Ended again = init(needed());
    ASSERT_EQ(again.status, 0) << again.err;
    expect_whole();
    const auto after = all_files();
    for (const auto& [path, text] : before) EXPECT_EQ(after.at(path), text) << path;
}

// ---- at a terminal -------------------------------------------------------------------------------------------------

/// Somebody at a terminal: waits for words, then types a line.
class Person {
public:
    Person()
    {
        master_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        EXPECT_EQ(::grantpt(master_), 0);
        EXPECT_EQ(::unlockpt(master_), 0);
        slave_ = ::open(::ptsname(master_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    ~Person()
    {
        ::close(master_);
        if (slave_ >= 0) ::close(slave_);
    }
    Person(const Person&) = delete;
    Person& operator=(const Person&) = delete;
    int slave() const { return slave_; }
    void let_go()
    {
        ::close(slave_);
        slave_ = -1;
    }
    /// After `words` have come since the last answer.
    void answer(const std::string& words, const std::string& line)
    {
        while (fresh_.find(words) == std::string::npos && read_some()) {
        }
        EXPECT_THAT(fresh_, HasSubstr(words));
        fresh_.clear();
        const std::string typed = line + "\n";
        EXPECT_EQ(::write(master_, typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
    }
    std::string rest()
    {
        while (read_some()) {
        }
        return all_;
    }

private:
    bool read_some()
    {
        pollfd ready{master_, POLLIN, 0};
        if (::poll(&ready, 1, 30'000) <= 0) return false;
        char block[4096];
        const ssize_t count = ::read(master_, block, sizeof block);
        if (count <= 0) return false;
        fresh_.append(block, static_cast<std::size_t>(count));
        all_.append(block, static_cast<std::size_t>(count));
        return true;
    }
    int master_ = -1;
    int slave_ = -1;
    std::string fresh_;
    std::string all_;
};

TEST_F(Init, AsksAtATerminalAndAgainAfterAWrongAnswer)
{
    Person person;
    const pid_t pid = start(words_of({"--restore-words", "-"}), person.slave(), person.slave(), person.slave());
    person.let_go();
    person.answer("words, not shown", kGivenWords);
    person.answer("Host name that buyers use", "not a host");
    person.answer("is no host", "vpn.shop.test");
    person.answer("[vpn.shop.test]", "wg.shop.test");
    person.answer("[51820]", "");
    person.answer("[A tunnel from vpn.shop.test]", "Mine");
    person.answer("[100/hour, 1000/day]", "lots");
    person.answer("a price is written as", "7/day");
    person.answer("[none]", "");
    person.answer("Mints", "");
    person.answer("Mints", "https://mint.shop.test");
    person.answer("relays", "wss://relay.shop.test");
    person.answer("Network", "10.0.0.0/40");
    person.answer("wireguard.subnet_cidr", "");
    const std::string seen = person.rest();
    EXPECT_EQ(wait_for(pid), 0) << seen;
    expect_whole();
    const auto config = loaded();
    ASSERT_TRUE(config.config);
    EXPECT_EQ(config.config->wireguard.endpoint_host, "wg.shop.test");
    EXPECT_EQ(config.config->listing.title, "Mine");
    ASSERT_EQ(config.config->listing.prices.size(), 1U);
    EXPECT_EQ(config.config->listing.prices[0].amount, "7");
    EXPECT_THAT(config.config->nostr.relays, ElementsAre("wss://relay.shop.test"));
    EXPECT_EQ(text_of(secret("wallet.seed")), std::string(kGivenWords) + "\n");
    EXPECT_THAT(seen, Not(HasSubstr("abandon")));
}

} // namespace
} // namespace adit::operate
