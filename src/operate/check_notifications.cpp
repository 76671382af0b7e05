#include "operate/check_notifications.h"

#include "app/notifier.h"
#include "protocol/nip59.h"

#include <algorithm>

namespace adit::operate {

namespace {

constexpr const char* kNotifications = "notifications";
constexpr Seconds kTrialMessageLasts{600};

std::string url_list(const std::vector<std::string>& texts)
{
    std::string out;
    for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
    return out;
}

Result<protocol::Event> trial_message(const NotificationsQuestion& question, UnixSeconds now, Rng& rng)
{
    const protocol::Rumor rumor = protocol::make_rumor(
        question.key.public_key(), protocol::direct_message(std::span(&question.recipient, 1),
                                                            "A trial of adit check: your notifications arrive.", now));
    const protocol::Event sealed = TRY(protocol::seal(rumor, question.key, question.recipient, now, rng));
    return protocol::gift_wrap(sealed, question.recipient, now, rng,
                               {{"expiration", std::to_string((now + kTrialMessageLasts).count())}});
}

} // namespace

Findings judge_notifications(const NotificationsSeen& seen)
{
    Findings found;
    if (!seen.inboxes)
        found.push_back({kNotifications, Level::warn,
                         "no relay in [nostr] relays has the list of relays where the recipient reads messages (kind "
                         "10050): they go to [nostr] relays only",
                         "have the client that reads them publish that list to one of those relays"});
    else if (seen.inboxes->empty())
        found.push_back({kNotifications, Level::warn,
                         "the recipient's list of message relays (kind 10050) names no usable one",
                         "mend it in the client that reads the messages"});
    if (seen.tried) {
        std::vector<std::string> takers;
        for (const RelayAnswer& each : *seen.tried) {
            switch (each.outcome.answer) {
            case nostr::Answer::accepted:
                takers.push_back(each.url);
                break;
            case nostr::Answer::rejected:
                found.push_back({kNotifications, Level::warn,
                                 each.url + " does not take private messages (kind 1059): " + each.outcome.message,
                                 "nothing to do where another one takes them; else name one that does"});
                break;
            case nostr::Answer::no_answer:
                found.push_back({kNotifications, Level::warn,
                                 each.url + " does not answer to a private message: " + each.outcome.message,
                                 "nothing to do where another one takes them; else name one that does"});
                break;
            }
        }
        if (!takers.empty())
            found.push_back({kNotifications, Level::ok, "a trial message was taken by " + url_list(takers)});
        else
            found.push_back(
                {kNotifications, Level::warn, "no relay takes the messages", "name a relay that takes kind 1059"});
    } else if (seen.inboxes && !seen.inboxes->empty()) {
        found.push_back({kNotifications, Level::ok, "the recipient reads messages at " + url_list(*seen.inboxes)});
    }
    return found;
}

Findings look_at_notifications(const NotificationsQuestion& question, const Clock& clock, Rng& rng)
{
    NotificationsSeen seen;
    auto inboxes = message_relays(question.relays, question.recipient, question.ca_file, clock, rng);
    if (!inboxes)
        return {{kNotifications, Level::warn, "not looked at, because " + inboxes.error().detail,
                 "run it again when relays answer"}};
    seen.inboxes = std::move(*inboxes);
    if (question.trial == Trial::publish) {
        const auto wrap = trial_message(question, clock.now(), rng);
        const auto own = nostr::parse_relay_urls(question.relays);
        if (wrap && own) {
            auto answers =
                publish_to_each(question.relays, seen.inboxes.value_or(std::vector<std::string>{}),
                                app::reach_of_inboxes(*own), *wrap, question.key, question.ca_file, clock, rng);
            if (answers) seen.tried = std::move(*answers);
        }
    }
    return judge_notifications(seen);
}

} // namespace adit::operate
