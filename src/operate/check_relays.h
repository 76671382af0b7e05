// operate/check_relays.h - whether each relay takes what aditd says, and shows it to buyers.
#pragma once

#include "operate/check_clock.h"

#include "base/rng.h"
#include "nostr/relay_link.h"
#include "nostr/relay_pool.h"
#include "protocol/keys.h"

namespace adit::operate {

/// Of its NIP-11 document, what may stand in our way.
struct RelayRules {
    bool auth_required = false;
    bool payment_required = false;
    bool restricted_writes = false;
    std::uint64_t min_pow = 0;                      // bits
    std::optional<std::uint64_t> max_message;       // bytes
    std::vector<std::uint32_t> kinds_not_kept = {}; // of ours: `retention` with a time of 0
    std::string payments_url = {};                  // printable, at most 200 bytes
};
/// A document without these members has no such rules. Errors: bad_encoding.
Result<RelayRules> parse_relay_rules(std::string_view json);

struct RelaySeen {
    std::string url;
    std::optional<RelayRules> rules = {};
    nostr::Coverage read = nostr::Coverage::silent;      // as a buyer reads, without AUTH
    std::string message = {};                            // of that, printable
    std::optional<UnixSeconds> listing = {};             // created_at of ours there
    std::optional<nostr::PublishOutcome> published = {}; // the worst answer to a trial event, where one was sent
    std::optional<std::string> daemon_says = {};         // its last error there, "" for none; none: no daemon runs
};
/// Pure.
Findings judge_relay(const RelaySeen& seen);

enum class Trial {
    none,
    publish, // an event of each kind that matters, which expires in ten minutes and is deleted at once
};

struct RelayQuestion {
    std::string url;
    protocol::SecretKey key; // the operator's
    std::string d_tag;
    std::string wallet_mint; // "" where no wallet is kept
    Trial trial = Trial::none;
    std::string ca_file = {};
    std::optional<std::string> daemon_says = {};
};
/// NIP-11, our listing as a buyer finds it, and the trial. Each step 6 s.
Findings look_at_relay(const RelayQuestion& question, const Clock& clock, Rng& rng, ClockSamples& samples);

/// The keys of the operator's NIP-60 wallet that these relays have (kinds 17375 and 10019). 8 s.
/// Errors: relay_unavailable (none answered).
Result<std::vector<protocol::PublicKey>> wallet_keys(const std::vector<std::string>& urls,
                                                     const protocol::SecretKey& key, const std::string& ca_file,
                                                     const Clock& clock, Rng& rng);

/// Where somebody reads private messages (kind 10050), as these relays have it; none: they have no such list. 8 s.
/// Errors: relay_unavailable (none answered).
Result<std::optional<std::vector<std::string>>> message_relays(const std::vector<std::string>& urls,
                                                               const protocol::PublicKey& recipient,
                                                               const std::string& ca_file, const Clock& clock,
                                                               Rng& rng);

struct RelayAnswer {
    std::string url;
    nostr::PublishOutcome outcome;
};
/// What each relay says of an event, AUTH given where it is asked for. `named_by_others` are connected to as far as
/// `reach` goes. 6 s.
Result<std::vector<RelayAnswer>> publish_to_each(const std::vector<std::string>& urls,
                                                 const std::vector<std::string>& named_by_others, nostr::Reach reach,
                                                 const protocol::Event& event, const protocol::SecretKey& auth_key,
                                                 const std::string& ca_file, const Clock& clock, Rng& rng);

} // namespace adit::operate
