// operate/check_notifications.h - whether the operator's private messages can reach him.
#pragma once

#include "operate/check_relays.h"

namespace adit::operate {

struct NotificationsSeen {
    std::optional<std::vector<std::string>> inboxes = {}; // of kind 10050; none: no relay of ours has such a list
    std::optional<std::vector<RelayAnswer>> tried = {};   // what each relay said of a trial message, where one was sent
};
/// Pure. None of it stops a sale, so nothing fails.
Findings judge_notifications(const NotificationsSeen& seen);

struct NotificationsQuestion {
    std::vector<std::string> relays; // of the config
    protocol::SecretKey key;         // the operator's
    protocol::PublicKey recipient;
    Trial trial = Trial::none;
    std::string ca_file = {};
};
/// The recipient's list, and with Trial::publish a message that expires in ten minutes. 14 s.
Findings look_at_notifications(const NotificationsQuestion& question, const Clock& clock, Rng& rng);

} // namespace adit::operate
