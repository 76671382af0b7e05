#include "operate/check_relays.h"

#include "base/bytes.h"
#include "cli/printable.h"
#include "operate/web_look.h"
#include "protocol/constants.h"
#include "protocol/deletion.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"
#include "protocol/kinds.h"
#include "protocol/nip60.h"
#include "protocol/relay_list.h"

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

namespace adit::operate {

namespace {

using nlohmann::json;
using protocol::member;

constexpr Milliseconds kRelayPatience{6'000};
constexpr Milliseconds kWalletPatience{8'000};
constexpr Seconds kTrialLasts{600};
constexpr std::size_t kNip11Depth = 16;
constexpr std::size_t kMostUrlShown = 200;      // bytes
constexpr std::uint64_t kTokenMessage = 60'000; // a token event is up to 44 kB, and has tags
constexpr std::uint32_t kOurKinds[]{protocol::kKindListing, protocol::kKindRelayList, protocol::kKindWallet,
                                    protocol::kKindTokens,  protocol::kKindSpending,  protocol::kKindNutzapInfo,
                                    protocol::kKindDeletion};

/// Relays with a loop and a thread of their own.
class Line {
public:
    static Result<std::unique_ptr<Line>> open(const std::vector<std::string>& urls,
                                              std::optional<protocol::SecretKey> auth_key, const std::string& ca_file,
                                              const Clock& clock, Rng& rng)
    {
        nostr::PoolOptions options;
        options.urls = TRY(nostr::parse_relay_urls(urls));
        options.auth_key = std::move(auth_key);
        options.ca_file = ca_file;
        options.limits.connect = kRelayPatience;
        auto loop = Loop::create(nullptr);
        if (!loop) return Error{Reason::io, "cannot make an event loop: out of memory or of file descriptors"};
        return std::unique_ptr<Line>(new Line(std::move(loop), clock, rng, std::move(options)));
    }
    ~Line()
    {
        pool_->stop();
        loop_->stop();
        thread_.join();
        pool_.reset();
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    nostr::RelayPool& pool() { return *pool_; }

    /// Of the only relay.
    nostr::PublishOutcome publish(const protocol::Event& event)
    {
        auto done = std::make_shared<std::promise<nostr::PublishOutcome>>();
        auto answer = done->get_future();
        pool_->publish(event, kRelayPatience, [done](const std::string&, nostr::PublishOutcome outcome) {
            done->set_value(std::move(outcome));
        });
        return answer.get();
    }

private:
    Line(std::unique_ptr<Loop> loop, const Clock& clock, Rng& rng, nostr::PoolOptions options)
        : loop_(std::move(loop)), pool_(std::make_unique<nostr::RelayPool>(*loop_, clock, rng, std::move(options))),
          thread_([this] { loop_->run(); })
    {
    }
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<nostr::RelayPool> pool_;
    std::thread thread_;
};

/// "https://relay.example/path" of "wss://relay.example/path".
std::string web_url(const std::string& relay)
{
    return relay.starts_with("wss://")  ? "https://" + relay.substr(6)
           : relay.starts_with("ws://") ? "http://" + relay.substr(5)
                                        : relay;
}

bool kept(const json& retention, std::uint32_t kind)
{
    const json* time = member(retention, "time");
    if (!time || *time != 0) return true;
    const json* kinds = member(retention, "kinds");
    if (!kinds || !kinds->is_array()) return false;
    return std::ranges::none_of(*kinds, [&](const json& each) {
        if (const auto one = protocol::whole_number(each, 65535)) return *one == kind;
        if (!each.is_array() || each.size() != 2) return false;
        const auto from = protocol::whole_number(each[0], 65535);
        const auto to = protocol::whole_number(each[1], 65535);
        return from && to && *from <= kind && kind <= *to;
    });
}

bool flag(const json& object, const char* name)
{
    const json* value = member(object, name);
    return value && *value == true;
}

/// An event of each kind that is worth trying: what is refused by kind shows there.
std::vector<protocol::EventDraft> trial_drafts(const RelayQuestion& question, UnixSeconds now, Rng& rng)
{
    ByteArray<8> number{};
    rng.fill(number);
    std::vector<protocol::EventDraft> drafts;
    // No tag of the marketplace: no directory shows it.
    drafts.push_back({now,
                      protocol::kKindListing,
                      {{"d", "adit-check-" + encode_hex(number)}, {"title", "a trial of adit check, gone in a moment"}},
                      ""});
    if (!question.wallet_mint.empty())
        if (auto tokens = protocol::token_draft({.mint = question.wallet_mint, .unit = "sat", .proofs = {}},
                                                question.key, now, rng))
            drafts.push_back(std::move(*tokens));
    for (protocol::EventDraft& draft : drafts)
        draft.tags.push_back({"expiration", std::to_string((now + kTrialLasts).count())});
    return drafts;
}

nostr::PublishOutcome try_to_publish(const RelayQuestion& question, const Clock& clock, Rng& rng)
{
    const auto line = Line::open({question.url}, question.key.duplicate(), question.ca_file, clock, rng);
    if (!line) return {nostr::Answer::no_answer, line.error().detail};
    const UnixSeconds now = clock.now();
    nostr::PublishOutcome worst{nostr::Answer::accepted, ""};
    std::vector<protocol::DeletedEvent> taken;
    for (protocol::EventDraft& draft : trial_drafts(question, now, rng)) {
        const protocol::Event event = protocol::sign_event(std::move(draft), question.key, rng);
        const auto outcome = (*line)->publish(event);
        if (outcome.answer != nostr::Answer::rejected) taken.push_back({event.id, event.kind});
        if (outcome.answer != nostr::Answer::accepted) {
            worst = {outcome.answer, "kind " + std::to_string(event.kind) + ": " + outcome.message};
            break;
        }
    }
    if (!taken.empty())
        (*line)->publish(protocol::sign_event(protocol::deletion_draft(taken, {}, now, "a trial"), question.key, rng));
    return worst;
}

Finding refusal(const RelaySeen& seen, const std::string& words)
{
    const auto begins = [&](std::string_view word) { return words.find(word) != std::string::npos; };
    const std::string what = seen.url + " refuses what aditd publishes: " + words;
    if (begins("auth-required") || begins("restricted") || begins("payment"))
        return {"relay", Level::fail, what,
                "it wants an account" +
                    (seen.rules && !seen.rules->payments_url.empty() ? " (" + seen.rules->payments_url + ")"
                                                                     : std::string()) +
                    ": get one for the operator's key, or take another relay into [nostr] relays"};
    if (begins("pow"))
        return {"relay", Level::fail, what, "aditd does no proof of work: take another relay into [nostr] relays"};
    return {"relay", Level::fail, what, "take another relay into [nostr] relays: this one does not take our kinds"};
}

void judge_rules(Findings& found, const RelaySeen& seen)
{
    const RelayRules& rules = *seen.rules;
    const bool takes_ours = seen.listing || (seen.published && seen.published->answer == nostr::Answer::accepted);
    if (rules.auth_required)
        found.push_back({"relay-auth", Level::warn, seen.url + " wants AUTH (NIP-42)",
                         "aditd gives it, but most buyers' programs read without: name a relay that is open too"});
    if (rules.payment_required && !takes_ours)
        found.push_back({"relay-payment", Level::warn,
                         seen.url + " takes events of those who pay" +
                             (rules.payments_url.empty() ? "" : " (" + rules.payments_url + ")"),
                         "pay there for the operator's key, or take another relay; adit check --publish tries it"});
    else if (rules.restricted_writes && !takes_ours)
        found.push_back({"relay-writes", Level::warn, seen.url + " does not take events of everybody",
                         "get let in with the operator's key, or take another relay; adit check --publish tries it"});
    if (rules.min_pow > 0)
        found.push_back({"relay-pow", Level::fail,
                         seen.url + " wants proof of work of " + std::to_string(rules.min_pow) + " bits",
                         "aditd does none: take another relay into [nostr] relays"});
    if (!rules.kinds_not_kept.empty()) {
        std::string kinds;
        for (const std::uint32_t kind : rules.kinds_not_kept)
            kinds += (kinds.empty() ? "" : ", ") + std::to_string(kind);
        found.push_back({"relay-kinds", Level::fail, seen.url + " does not keep events of kind " + kinds,
                         "take another relay into [nostr] relays: 30402 is the listing, the others are the wallet's"});
    }
    if (rules.max_message && *rules.max_message < kTokenMessage)
        found.push_back({"relay-size", Level::warn,
                         seen.url + " takes messages of at most " + std::to_string(*rules.max_message) + " bytes",
                         "events of the wallet may be 60000 bytes long: name a relay that takes those too"});
}

} // namespace

Result<RelayRules> parse_relay_rules(std::string_view text)
{
    const json document = TRY(protocol::parse_json(text, kNip11Depth));
    if (!document.is_object()) return Error{Reason::bad_encoding, "no NIP-11 document"};
    RelayRules rules;
    if (const std::string* url = protocol::text_member(document, "payments_url"))
        rules.payments_url = cli::printable(*url, kMostUrlShown);
    if (const json* limits = member(document, "limitation")) {
        rules.auth_required = flag(*limits, "auth_required");
        rules.payment_required = flag(*limits, "payment_required");
        rules.restricted_writes = flag(*limits, "restricted_writes");
        rules.min_pow = protocol::count_member(*limits, "min_pow_difficulty").value_or(0);
        rules.max_message = protocol::count_member(*limits, "max_message_length");
    }
    if (const json* retention = member(document, "retention"); retention && retention->is_array())
        for (const std::uint32_t kind : kOurKinds)
            if (std::ranges::any_of(*retention, [&](const json& each) { return !kept(each, kind); }))
                rules.kinds_not_kept.push_back(kind);
    return rules;
}

Findings judge_relay(const RelaySeen& seen)
{
    Findings found;
    if (seen.read == nostr::Coverage::silent)
        return {{"relay", Level::fail,
                 seen.url + " can not be reached: " + (seen.message.empty() ? "it hangs" : seen.message),
                 "wait for it, or take another relay into [nostr] relays: buyers find you by those"}};
    if (seen.read == nostr::Coverage::refused)
        found.push_back({"relay-auth", Level::warn, seen.url + " does not let everybody read: " + seen.message,
                         "buyers who are strangers there do not see the listing: name a relay that is open too"});
    if (seen.rules) judge_rules(found, seen);
    if (seen.published && seen.published->answer == nostr::Answer::rejected)
        found.push_back(refusal(seen, seen.published->message));
    else if (seen.published && seen.published->answer == nostr::Answer::no_answer)
        found.push_back({"relay", Level::fail, seen.url + " does not answer to an event: " + seen.published->message,
                         "take another relay into [nostr] relays"});
    const bool fails = std::ranges::any_of(found, [](const Finding& each) { return each.level == Level::fail; });
    if (fails) return found;
    if (seen.listing)
        found.push_back({"relay", Level::ok, seen.url + " has the listing, of " + to_iso8601(*seen.listing)});
    else if (seen.daemon_says && seen.read == nostr::Coverage::complete)
        found.push_back({"relay", Level::warn,
                         seen.url + " has no listing of this operator, though aditd runs" +
                             (seen.daemon_says->empty() ? "" : "; it was told: " + *seen.daemon_says),
                         "adit check --publish tells whether the relay takes it, and why not"});
    else
        found.push_back({"relay", Level::ok,
                         seen.url + (seen.published ? " takes our events" : " answers; the listing is not there yet")});
    return found;
}

Findings look_at_relay(const RelayQuestion& question, const Clock& clock, Rng& rng, ClockSamples& samples)
{
    RelaySeen seen{.url = question.url, .daemon_says = question.daemon_says};
    const WebSight sight = look_at({.url = web_url(question.url),
                                    .headers = {{"Accept", "application/nostr+json"}},
                                    .ca_file = question.ca_file,
                                    .timeout = kRelayPatience});
    if (const auto* answer = std::get_if<WebAnswer>(&sight)) {
        if (answer->date) samples.add(question.url, *answer->date, clock.now());
        if (auto rules = parse_relay_rules(answer->body)) seen.rules = std::move(*rules);
    }
    {
        const auto line = Line::open({question.url}, std::nullopt, question.ca_file, clock, rng);
        if (!line) return {{"relay", Level::fail, line.error().detail, "mend [nostr] relays"}};
        protocol::Filter ours;
        ours.kinds = {protocol::kKindListing};
        ours.authors = {question.key.public_key()};
        ours.tags['d'] = {question.d_tag};
        const auto fetched = (*line)->pool().fetch({ours}, kRelayPatience, nostr::Patience::while_it_lasts);
        seen.read = fetched.relays.front().coverage;
        seen.message = fetched.relays.front().message;
        for (const protocol::Event& event : fetched.events)
            seen.listing = std::max(seen.listing.value_or(event.created_at), event.created_at);
    }
    if (question.trial == Trial::publish && seen.read != nostr::Coverage::silent)
        seen.published = try_to_publish(question, clock, rng);
    return judge_relay(seen);
}

Result<std::vector<protocol::PublicKey>> wallet_keys(const std::vector<std::string>& urls,
                                                     const protocol::SecretKey& key, const std::string& ca_file,
                                                     const Clock& clock, Rng& rng)
{
    const auto line = TRY(Line::open(urls, key.duplicate(), ca_file, clock, rng));
    protocol::Filter wallets;
    wallets.kinds = {protocol::kKindWallet, protocol::kKindNutzapInfo};
    wallets.authors = {key.public_key()};
    const auto fetched = line->pool().fetch({wallets}, kWalletPatience, nostr::Patience::while_it_lasts);
    const bool answered = std::ranges::any_of(fetched.relays, [](const nostr::RelayCoverage& relay) {
        return relay.coverage == nostr::Coverage::complete || relay.coverage == nostr::Coverage::partial;
    });
    if (!answered) return Error{Reason::relay_unavailable, "no relay answered"};
    std::vector<protocol::PublicKey> keys;
    for (const protocol::Event& event : fetched.events) {
        if (event.kind == protocol::kKindWallet) {
            if (const auto wallet = protocol::open_wallet(event, key))
                for (const protocol::SecretKey& each : wallet->privkeys) keys.push_back(each.public_key());
        } else if (const auto info = protocol::parse_nutzap_info(event)) {
            keys.push_back(info->pubkey);
        }
    }
    return keys;
}

Result<std::optional<std::vector<std::string>>> message_relays(const std::vector<std::string>& urls,
                                                               const protocol::PublicKey& recipient,
                                                               const std::string& ca_file, const Clock& clock, Rng& rng)
{
    const auto line = TRY(Line::open(urls, std::nullopt, ca_file, clock, rng));
    protocol::Filter lists;
    lists.kinds = {protocol::kKindDmRelays};
    lists.authors = {recipient};
    const auto fetched = line->pool().fetch({lists}, kWalletPatience, nostr::Patience::while_it_lasts);
    const bool answered = std::ranges::any_of(fetched.relays, [](const nostr::RelayCoverage& relay) {
        return relay.coverage == nostr::Coverage::complete || relay.coverage == nostr::Coverage::partial;
    });
    if (!answered) return Error{Reason::relay_unavailable, "no relay answered"};
    const protocol::Event* newest = nullptr;
    for (const protocol::Event& event : fetched.events)
        if (!newest || protocol::supersedes(event, *newest)) newest = &event;
    if (!newest) return std::optional<std::vector<std::string>>{};
    return std::optional(TRY(protocol::parse_message_relays(*newest)));
}

Result<std::vector<RelayAnswer>> publish_to_each(const std::vector<std::string>& urls,
                                                 const std::vector<std::string>& named_by_others, nostr::Reach reach,
                                                 const protocol::Event& event, const protocol::SecretKey& auth_key,
                                                 const std::string& ca_file, const Clock& clock, Rng& rng)
{
    const auto own = TRY(nostr::parse_relay_urls(urls));
    std::vector<nostr::RelayUrl> others;
    for (const std::string& text : named_by_others)
        if (auto url = nostr::parse_relay_url(text);
            url && std::ranges::find(own, url->text, &nostr::RelayUrl::text) == own.end())
            others.push_back(std::move(*url));
    struct Answers {
        std::mutex mutex;
        std::condition_variable came;
        std::vector<RelayAnswer> all;
    };
    const auto answers = std::make_shared<Answers>(); // shared with callbacks that may come after we gave up
    const nostr::RelayPool::Published put = [answers](const std::string& url, nostr::PublishOutcome outcome) {
        {
            const std::lock_guard lock(answers->mutex);
            answers->all.push_back({url, std::move(outcome)});
        }
        answers->came.notify_one();
    };
    const auto line = TRY(Line::open(urls, auth_key.duplicate(), ca_file, clock, rng));
    line->pool().publish(event, kRelayPatience, put);
    for (const nostr::RelayUrl& url : others) line->pool().deliver(url, reach, event, kRelayPatience, put);
    std::unique_lock lock(answers->mutex);
    answers->came.wait_for(lock, kRelayPatience * 2, [&] { return answers->all.size() == own.size() + others.size(); });
    return answers->all;
}

} // namespace adit::operate
