#include "payments/cashu/keyset_book.h"

#include "base/log.h"
#include "payments/cashu/json_fields.h"
#include "protocol/json.h"

#include <algorithm>

namespace adit::payments::cashu {
namespace {

constexpr std::size_t kMaxKeysets = 1000; // of all units; more than any mint has made so far by far

Keyset* find_in(std::vector<Keyset>& keysets, std::string_view id)
{
    const auto found =
        std::find_if(keysets.begin(), keysets.end(), [&](const Keyset& keyset) { return keyset.id == id; });
    return found == keysets.end() ? nullptr : &*found;
}

/// What /v1/keysets says about one whose keys we have. Keys never change; and what an "01" id covers neither.
void update(Keyset& known, const Keyset& listed)
{
    Keyset next = known;
    next.active = listed.active;
    next.input_fee_ppk = listed.input_fee_ppk;
    next.final_expiry = listed.final_expiry;
    if (listed.unit != known.unit || (!known.keys.empty() && !id_matches(next)))
        log_warn("keyset_changed_refused", {{"keyset", known.id}});
    else
        known = std::move(next);
}

template<typename T>
Error why_not(const Answer<T>& answer)
{
    if (const auto* refusal = std::get_if<Refusal>(&answer))
        return Error{Reason::mint_refused, "code " + std::to_string(refusal->code)};
    return std::get<Unknown>(answer).error;
}

/// Gives nothing where the keyset is refused for what it holds: that does not get better by asking again now.
Result<std::optional<Keyset>> fetch_keys(MintClient& mint, const Keyset& listed)
{
    const auto answer = mint.keys(listed.id);
    const auto* fetched = std::get_if<Keyset>(&answer);
    if (fetched == nullptr) return why_not(answer);
    Keyset whole = listed;
    whole.keys = fetched->keys;
    if (!id_matches(whole)) {
        log_warn("keyset_id_mismatch", {{"keyset", listed.id}});
        return std::optional<Keyset>();
    }
    return std::optional<Keyset>(std::move(whole));
}

} // namespace

const Keyset* MintPage::find(std::string_view id) const
{
    const auto found =
        std::find_if(keysets.begin(), keysets.end(), [&](const Keyset& keyset) { return keyset.id == id; });
    return found == keysets.end() ? nullptr : &*found;
}

bool lasts(const Keyset& keyset, UnixSeconds now)
{
    return keyset.active && (!keyset.final_expiry || *keyset.final_expiry > now + kKeysetEndsSoon);
}

const Keyset* MintPage::for_outputs(UnixSeconds now, const std::function<bool(const Keyset&)>& may) const
{
    const auto is_better = [now](const Keyset& a, const Keyset& b) {
        if (lasts(a, now) != lasts(b, now)) return lasts(a, now);
        return a.input_fee_ppk < b.input_fee_ppk;
    };
    const Keyset* best = nullptr;
    for (const Keyset& keyset : keysets)
        if (keyset.active && !keyset.keys.empty() && !keyset.expired(now) && may(keyset) &&
            (best == nullptr || is_better(keyset, *best)))
            best = &keyset;
    return best;
}

bool MintPage::may_sell() const
{
    if (!info) return true;
    return info->supports(7) && info->supports(9) && info->supports(10) && info->supports(11);
}

KeysetBook::KeysetBook(std::string unit) : unit_(std::move(unit)), page_(std::make_shared<const MintPage>()) {}

std::shared_ptr<const MintPage> KeysetBook::page() const
{
    const std::lock_guard lock(mutex_);
    return page_;
}

void KeysetBook::publish(MintPage page)
{
    auto next = std::make_shared<const MintPage>(std::move(page));
    const std::lock_guard lock(mutex_);
    page_ = std::move(next);
}

Result<bool> KeysetBook::refresh(MintClient& mint)
{
    const std::lock_guard one_at_a_time(refreshing_);
    const std::string before = dump();
    MintPage next = *page();
    std::optional<Error> failure;

    const auto keysets = mint.keysets();
    if (const auto* listed = std::get_if<std::vector<Keyset>>(&keysets)) {
        for (Keyset& known : next.keysets) {
            const bool there = std::any_of(listed->begin(), listed->end(),
                                           [&](const Keyset& keyset) { return keyset.id == known.id; });
            if (!there) known.active = false; // kept: an old output may still have to be unblinded
        }
        for (const Keyset& keyset : *listed) {
            if (Keyset* known = find_in(next.keysets, keyset.id)) {
                update(*known, keyset);
            } else if (next.keysets.size() >= kMaxKeysets) {
                log_warn("keysets_too_many", {{"listed", listed->size()}});
                break;
            } else if (keyset.unit != unit_) {
                next.keysets.push_back(keyset);
            } else {
                auto whole = fetch_keys(mint, keyset);
                if (!whole)
                    failure = std::move(whole).error();
                else if (*whole)
                    next.keysets.push_back(std::move(**whole));
            }
        }
    } else {
        failure = why_not(keysets);
    }

    auto info = mint.info();
    if (auto* known = std::get_if<MintInfo>(&info))
        next.info = std::move(*known);
    else if (!failure)
        failure = why_not(info);

    publish(std::move(next));
    if (failure) return std::move(*failure);
    return dump() != before;
}

std::string KeysetBook::dump() const
{
    const auto now = page();
    Json root = Json::parse(encode_keys(now->keysets), nullptr, false);
    if (now->info)
        root["info"] = Json{{"name", now->info->name}, {"version", now->info->version}, {"nuts", now->info->nuts}};
    return cashu::dump(root);
}

Result<void> KeysetBook::load(std::string_view json)
{
    MintPage next;
    auto keysets = parse_keys(json);
    if (!keysets) return Error{Reason::bad_encoding, std::move(keysets).error().detail};
    next.keysets = std::move(*keysets);
    for (const Keyset& keyset : next.keysets)
        if (!keyset.keys.empty() && !id_matches(keyset))
            return Error{Reason::bad_encoding, "a stored keyset does not fit its id"};

    const Json root = TRY(protocol::parse_json(json));
    if (const Json* stored = member(root, "info")) {
        MintInfo info;
        if (const std::string* name = as_string(member(*stored, "name"))) info.name = *name;
        if (const std::string* version = as_string(member(*stored, "version"))) info.version = *version;
        const Json* nuts = member(*stored, "nuts");
        if (nuts == nullptr || !nuts->is_array()) return Error{Reason::bad_encoding, "stored info without nuts"};
        for (const Json& nut : *nuts) {
            const auto number = as_u64(&nut);
            if (!number || *number > 1000) return Error{Reason::bad_encoding, "stored info with a malformed nut"};
            info.nuts.insert(static_cast<int>(*number));
        }
        next.info = std::move(info);
    }
    publish(std::move(next));
    return {};
}

} // namespace adit::payments::cashu
