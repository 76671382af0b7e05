#include "protocol/nip60.h"

#include "protocol/constants.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"
#include "protocol/nip44.h"

#include <algorithm>
#include <charconv>

namespace adit::protocol {

namespace {

Error malformed_wallet(std::string_view what)
{
    return Error{Reason::bad_encoding, "wallet event: " + std::string(what)};
}

/// A JSON array of tags, as the plaintext of wallet and history is.
void append_tag(std::string& out, std::initializer_list<std::string_view> values)
{
    out += out.ends_with('[') ? "[" : ",[";
    bool first = true;
    for (const std::string_view value : values) {
        if (!first) out.push_back(',');
        first = false;
        append_json_string(out, value);
    }
    out.push_back(']');
}

void append_member(std::string& out, std::string_view name, std::string_view value)
{
    out += ",\"" + std::string(name) + "\":";
    append_json_string(out, value);
}

void append_proof(std::string& out, const WalletProof& proof)
{
    out += "{\"id\":";
    append_json_string(out, proof.id);
    out += ",\"amount\":" + std::to_string(proof.amount);
    append_member(out, "secret", proof.secret);
    append_member(out, "C", proof.c);
    if (proof.dleq) {
        out += ",\"dleq\":{\"e\":";
        append_json_string(out, proof.dleq->e);
        append_member(out, "s", proof.dleq->s);
        if (proof.dleq->r) append_member(out, "r", *proof.dleq->r);
        out.push_back('}');
    }
    if (proof.witness) append_member(out, "witness", *proof.witness);
    out.push_back('}');
}

Result<EventDraft> encrypted_draft(std::uint32_t kind, std::string plaintext, const SecretKey& author, UnixSeconds now,
                                   Rng& rng)
{
    auto content = nip44_encrypt(conversation_key(author, author.public_key()), plaintext, rng);
    sodium_memzero(plaintext.data(), plaintext.size());
    if (!content) return content.error();
    return EventDraft{.created_at = now, .kind = kind, .tags = {}, .content = std::move(*content)};
}

/// What we once encrypted to ourselves.
Result<std::string> decrypt_own(const Event& event, std::uint32_t kind, const SecretKey& author)
{
    if (event.kind != kind) return Error{Reason::wrong_kind, "not kind " + std::to_string(kind)};
    const PublicKey own = author.public_key();
    if (event.pubkey != own) return Error{Reason::bad_signature, "another author's wallet event"};
    return nip44_decrypt(conversation_key(author, own), event.content);
}

/// Calls `take` with each tag's values; an element that is no list of strings is skipped.
template<typename Take>
Result<void> for_each_tag(std::string_view json, Take take)
{
    const nlohmann::json tags = TRY(parse_json(json));
    if (!tags.is_array()) return malformed_wallet("not a list of tags");
    for (const nlohmann::json& element : tags) {
        if (!element.is_array()) continue;
        Tag tag;
        for (const nlohmann::json& part : element)
            if (const std::string* const text = text_of(part)) tag.push_back(*text);
        if (tag.size() == element.size() && tag.size() >= 2) TRY(take(tag));
    }
    return {};
}

Result<std::uint64_t> parse_amount(std::string_view text)
{
    std::uint64_t amount = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
    if (error != std::errc{} || end != text.data() + text.size())
        return malformed_wallet("an amount that is not a number");
    return amount;
}

Result<WalletProof> parse_proof(const nlohmann::json& object)
{
    const std::string* const id = text_member(object, "id");
    const std::string* const secret = text_member(object, "secret");
    const std::string* const c = text_member(object, "C");
    const nlohmann::json* const amount = member(object, "amount");
    const auto number = amount == nullptr ? std::nullopt : whole_number(*amount, UINT64_MAX);
    if (id == nullptr || secret == nullptr || c == nullptr || !number)
        return malformed_wallet("a proof with a part missing");

    WalletProof proof{.id = *id, .amount = *number, .secret = *secret, .c = *c};
    if (const nlohmann::json* const witness = member(object, "witness")) {
        if (const std::string* const text = text_of(*witness))
            proof.witness = *text;
        else if (witness->is_object()) // some write it unquoted; parse_json has bounded its depth
            proof.witness = witness->dump();
    }
    if (const nlohmann::json* const dleq = member(object, "dleq")) {
        const std::string* const e = text_member(*dleq, "e");
        const std::string* const s = text_member(*dleq, "s");
        const std::string* const r = text_member(*dleq, "r");
        if (e != nullptr && s != nullptr)
            proof.dleq = WalletDleq{.e = *e, .s = *s, .r = r == nullptr ? std::nullopt : std::optional(*r)};
    }
    return proof;
}

void append_reference(HistoryContent& content, const Tag& tag)
{
    if (tag.size() < 4) return;
    auto id = parse_hex_exactly<32>(tag[1]);
    if (!id) return;
    if (tag[3] == "created") content.references.push_back({*id, tag[2], HistoryMark::created});
    if (tag[3] == "destroyed") content.references.push_back({*id, tag[2], HistoryMark::destroyed});
    if (tag[3] == "redeemed") content.references.push_back({*id, tag[2], HistoryMark::redeemed});
}

std::string_view word_of_mark(HistoryMark mark)
{
    switch (mark) {
    case HistoryMark::created:
        return "created";
    case HistoryMark::destroyed:
        return "destroyed";
    case HistoryMark::redeemed:
        return "redeemed";
    }
    return "";
}

} // namespace

std::string encode_token_content(const TokenContent& content)
{
    std::string out = "{\"mint\":";
    append_json_string(out, content.mint);
    append_member(out, "unit", content.unit);
    out += ",\"proofs\":[";
    for (std::size_t i = 0; i < content.proofs.size(); ++i) {
        if (i > 0) out.push_back(',');
        append_proof(out, content.proofs[i]);
    }
    out += "],\"del\":[";
    for (std::size_t i = 0; i < content.del.size(); ++i) {
        if (i > 0) out.push_back(',');
        append_json_string(out, encode_hex(content.del[i]));
    }
    out += "]}";
    return out;
}

Result<std::vector<TokenContent>> split_token(TokenContent content, std::size_t max_bytes)
{
    const auto empty_part = [&] {
        return TokenContent{.mint = content.mint, .unit = content.unit, .proofs = {}, .del = {}};
    };
    const std::size_t frame = encode_token_content(empty_part()).size();
    std::vector<TokenContent> parts{empty_part()};
    std::size_t size = frame;
    for (WalletProof& proof : content.proofs) {
        std::string text;
        append_proof(text, proof);
        const std::size_t added = text.size() + 1; // and a comma, even where there is none
        sodium_memzero(text.data(), text.size());
        if (frame + added > max_bytes) return malformed_wallet("a proof that no event can hold");
        if (size + added > max_bytes) {
            parts.push_back(empty_part());
            size = frame;
        }
        size += added;
        parts.back().proofs.push_back(std::move(proof));
    }
    const std::size_t del_bytes = content.del.size() * 67; // 64 digits, two quotes, a comma
    if (size + del_bytes > max_bytes) {
        parts.push_back(empty_part());
        if (frame + del_bytes > max_bytes) return malformed_wallet("more replaced events than one can name");
    }
    parts.back().del = std::move(content.del);
    return parts;
}

Result<EventDraft> wallet_draft(const WalletContent& content, const SecretKey& author, UnixSeconds now, Rng& rng)
{
    std::string plaintext = "[";
    for (const SecretKey& key : content.privkeys) {
        std::string hex = encode_hex(key.expose());
        append_tag(plaintext, {"privkey", hex});
        sodium_memzero(hex.data(), hex.size());
    }
    for (const std::string& mint : content.mints) append_tag(plaintext, {"mint", mint});
    plaintext.push_back(']');
    return encrypted_draft(kKindWallet, std::move(plaintext), author, now, rng);
}

Result<EventDraft> token_draft(const TokenContent& content, const SecretKey& author, UnixSeconds now, Rng& rng)
{
    return encrypted_draft(kKindTokens, encode_token_content(content), author, now, rng);
}

Result<EventDraft> history_draft(const HistoryContent& content, const SecretKey& author, UnixSeconds now, Rng& rng)
{
    std::string plaintext = "[";
    append_tag(plaintext, {"direction", content.direction == HistoryDirection::in ? "in" : "out"});
    append_tag(plaintext, {"amount", std::to_string(content.amount)});
    append_tag(plaintext, {"unit", content.unit});
    std::vector<Tag> plain;
    for (const HistoryReference& reference : content.references) {
        const std::string id = encode_hex(reference.id);
        if (reference.mark == HistoryMark::redeemed)
            plain.push_back({"e", id, reference.relay, std::string(word_of_mark(reference.mark))});
        else
            append_tag(plaintext, {"e", id, reference.relay, word_of_mark(reference.mark)});
    }
    plaintext.push_back(']');
    EventDraft draft = TRY(encrypted_draft(kKindSpending, std::move(plaintext), author, now, rng));
    draft.tags = std::move(plain);
    return draft;
}

EventDraft nutzap_info_draft(const NutzapInfo& info, UnixSeconds now)
{
    EventDraft draft{.created_at = now, .kind = kKindNutzapInfo, .tags = {}, .content = ""};
    for (const std::string& relay : info.relays) draft.tags.push_back({"relay", relay});
    for (const std::string& mint : info.mints) draft.tags.push_back({"mint", mint, "sat"});
    draft.tags.push_back({"pubkey", info.pubkey.hex()});
    return draft;
}

Result<WalletContent> parse_wallet_content(std::string_view json)
{
    WalletContent content;
    TRY(for_each_tag(json, [&](const Tag& tag) -> Result<void> {
        if (tag[0] == "mint") content.mints.push_back(tag[1]);
        // A key that can not be read must not be overwritten by a wallet without it, so the whole is refused.
        if (tag[0] == "privkey" && !tag[1].empty()) content.privkeys.push_back(TRY(SecretKey::parse_hex(tag[1])));
        return {};
    }));
    return content;
}

Result<TokenContent> parse_token_content(std::string_view json)
{
    const nlohmann::json object = TRY(parse_json(json));
    const std::string* const mint = text_member(object, "mint");
    const nlohmann::json* const proofs = member(object, "proofs");
    if (mint == nullptr || proofs == nullptr || !proofs->is_array())
        return malformed_wallet("a token without mint or proofs");
    TokenContent content{.mint = *mint, .unit = "sat", .proofs = {}, .del = {}};
    if (const std::string* const unit = text_member(object, "unit")) content.unit = *unit;
    for (const nlohmann::json& proof : *proofs) content.proofs.push_back(TRY(parse_proof(proof)));
    if (const nlohmann::json* const del = member(object, "del"); del != nullptr && del->is_array())
        for (const nlohmann::json& element : *del)
            if (const std::string* const text = text_of(element))
                if (auto id = parse_hex_exactly<32>(*text)) content.del.push_back(*id);
    return content;
}

Result<WalletContent> open_wallet(const Event& event, const SecretKey& author)
{
    return parse_wallet_content(TRY(decrypt_own(event, kKindWallet, author)));
}

Result<TokenContent> open_token(const Event& event, const SecretKey& author)
{
    return parse_token_content(TRY(decrypt_own(event, kKindTokens, author)));
}

Result<HistoryContent> open_history(const Event& event, const SecretKey& author)
{
    HistoryContent content;
    bool has_direction = false;
    bool has_amount = false;
    TRY(for_each_tag(TRY(decrypt_own(event, kKindSpending, author)), [&](const Tag& tag) -> Result<void> {
        if (tag[0] == "direction") {
            if (tag[1] != "in" && tag[1] != "out") return malformed_wallet("a direction that is neither in nor out");
            content.direction = tag[1] == "in" ? HistoryDirection::in : HistoryDirection::out;
            has_direction = true;
        } else if (tag[0] == "amount") {
            content.amount = TRY(parse_amount(tag[1]));
            has_amount = true;
        } else if (tag[0] == "unit") {
            content.unit = tag[1];
        } else if (tag[0] == "e") {
            append_reference(content, tag);
        }
        return {};
    }));
    if (!has_direction || !has_amount) return malformed_wallet("a history entry without direction or amount");
    for (const Tag* const tag : event.all("e")) append_reference(content, *tag);
    return content;
}

Result<NutzapInfo> parse_nutzap_info(const Event& event)
{
    if (event.kind != kKindNutzapInfo) return Error{Reason::wrong_kind, "not kind 10019"};
    std::string_view key = event.first("pubkey").value_or(std::string_view{});
    if (key.size() == 66 && (key.starts_with("02") || key.starts_with("03"))) key.remove_prefix(2); // seen in the wild
    const PublicKey pubkey = TRY(PublicKey::parse_hex(key));
    NutzapInfo info{.relays = {}, .mints = {}, .pubkey = pubkey};
    for (const Tag* const tag : event.all("relay"))
        if (tag->size() >= 2) info.relays.push_back((*tag)[1]);
    for (const Tag* const tag : event.all("mint")) {
        const bool sat = tag->size() == 2 || std::find(tag->begin() + std::min<std::ptrdiff_t>(2, std::ssize(*tag)),
                                                       tag->end(), "sat") != tag->end();
        if (tag->size() >= 2 && sat) info.mints.push_back((*tag)[1]);
    }
    return info;
}

} // namespace adit::protocol
