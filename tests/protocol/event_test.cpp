#include "protocol/event.h"

#include "base/hash.h"
#include "nostr_testing.h"

namespace adit::protocol {
namespace {

using nlohmann::json;

class Nip01Example : public testing::TestWithParam<json> {};

TEST_P(Nip01Example, IdAndSignatureAreAsGoodAsTheVectorSays)
{
    json object = GetParam()["event"];
    const bool unsigned_rumor = !object.contains("sig");
    if (unsigned_rumor) {
        expect_reason(parse_event(object), Reason::bad_encoding);
        object["sig"] = std::string(128, '0');
    }
    const auto event = parse_event(object);
    ASSERT_TRUE(event) << event.error().detail;
    const EventId computed = event_id(event->pubkey, EventDraft{.created_at = event->created_at,
                                                                .kind = event->kind,
                                                                .tags = event->tags,
                                                                .content = event->content});
    EXPECT_EQ(computed == event->id, GetParam()["id_ok"].get<bool>());
    if (!unsigned_rumor) {
        EXPECT_EQ(verify(event->pubkey, event->id, event->sig), GetParam()["sig_ok"].get<bool>());
    }
    const bool good = GetParam()["id_ok"] == true && GetParam()["sig_ok"] == true;
    EXPECT_EQ(verify(*event).has_value(), good);
    if (!good) expect_reason(verify(*event), Reason::bad_signature);
}

std::string name_of(const testing::TestParamInfo<json>& info)
{
    std::string name = str(info.param["from"]);
    std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
    return name;
}

INSTANTIATE_TEST_SUITE_P(Nips, Nip01Example,
                         testing::ValuesIn(vectors("nip01-events.json")["events"].get<std::vector<json>>()), name_of);

TEST(Event, TheIdIsTheHashOfTheVectorsSerialization)
{
    const json vector = vectors("nip01-events.json")["id_vector"];
    EXPECT_EQ(encode_hex(sha256(as_bytes(str(vector["serialized"])))), str(vector["event"]["id"]));
    const auto event = parse_event(vector["event"]);
    ASSERT_TRUE(event);
    EXPECT_EQ(event_id(event->pubkey, {event->created_at, event->kind, event->tags, event->content}), event->id);
}

TEST(Event, TheExampleOfNip98IsReadFromItsHeaderAndItsAlteredIdIsRefused)
{
    const json vector = vectors("nip98.json");
    const std::string header = str(vector["header_value"]);
    ASSERT_TRUE(header.starts_with("Nostr "));
    const Bytes decoded = parse_base64_any(header.substr(6)).value(); // upstream left out the padding
    const auto event = parse_event(as_text(decoded));
    ASSERT_TRUE(event) << event.error().detail;
    EXPECT_EQ(encode_hex(event->id), str(vector["event"]["id"]));
    EXPECT_EQ(event->kind, 27235U);
    EXPECT_EQ(event->first("method"), "GET");
    EXPECT_EQ(event->first("u"), str(vector["event"]["tags"][0][1]));
    EXPECT_TRUE(verify(event->pubkey, event->id, event->sig));
    expect_reason(verify(*event), Reason::bad_signature); // a good signature over an id of something else
}

EventDraft rich_draft()
{
    return EventDraft{.created_at = UnixSeconds(1700000000),
                      .kind = 30402,
                      .tags = {{"d", ""}, {"-"}, {"t", "europa \"protocol\""}, {"e", "x", "", "y"}, {}},
                      .content = "line\nbreak\ttab \\ / \x7f \xc3\xa9 \xe2\x80\xa8 \xf0\x9f\x92\xa9"};
}

TEST(Event, WhatIsSignedVerifiesAndSurvivesTheWire)
{
    const Event event = make_event(rich_draft());
    EXPECT_TRUE(verify(event));
    const auto again = parse_event(encode_event(event));
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->id, event.id);
    EXPECT_EQ(again->tags, event.tags);
    EXPECT_EQ(again->content, event.content);
    EXPECT_EQ(again->sig, event.sig);
    EXPECT_TRUE(verify(*again));
    EXPECT_EQ(json::parse(encode_event(event))["tags"][4], json::array());
}

TEST(Event, AChangeOfAnyFieldIsNoticed)
{
    const Event good = make_event(rich_draft());
    const auto changed = [&](auto change) {
        Event event = good;
        change(event);
        return verify(event).has_value();
    };
    EXPECT_FALSE(changed([](Event& e) { e.created_at = e.created_at + Seconds(1); }));
    EXPECT_FALSE(changed([](Event& e) { e.kind = 1; }));
    EXPECT_FALSE(changed([](Event& e) { e.content += " "; }));
    EXPECT_FALSE(changed([](Event& e) { e.tags[0][1] = "x"; }));
    EXPECT_FALSE(changed([](Event& e) { e.tags.pop_back(); }));
    EXPECT_FALSE(changed([](Event& e) { e.pubkey = secret_key(2).public_key(); }));
    EXPECT_FALSE(changed([](Event& e) { e.id[0] ^= 1U; }));
    EXPECT_FALSE(changed([](Event& e) { e.sig[63] ^= 1U; }));
    EXPECT_TRUE(changed([](Event&) {}));
}

TEST(Event, ControlCharactersAreTakenInEitherWrittenForm)
{
    fakes::SeededRng rng;
    const SecretKey key = secret_key(1);
    const std::string start = "[0,\"" + key.public_key().hex() + "\",5,1,[[\"x\",\"\"]],\"a";
    for (const std::string& written : {std::string("\x01"), std::string("\\u0001")}) {
        const EventId id = sha256(as_bytes(start + written + "b\"]"));
        const Event event{.id = id,
                          .pubkey = key.public_key(),
                          .created_at = UnixSeconds(5),
                          .kind = 1,
                          .tags = {{"x", ""}},
                          .content = "a\x01"
                                     "b",
                          .sig = sign(key, id, rng)};
        EXPECT_TRUE(verify(event)) << written;
        const auto again = parse_event(encode_event(event));
        ASSERT_TRUE(again);
        EXPECT_TRUE(verify(*again)) << written;
    }
}

TEST(Event, FirstIsTheFirstTagOfThatNameEvenIfItHasNoValue)
{
    const Event event = make_event({.created_at = UnixSeconds(1),
                                    .kind = 1,
                                    .tags = {{}, {"a"}, {"b", "1"}, {"a", "2"}, {"b", "3"}},
                                    .content = ""});
    EXPECT_EQ(event.first("a"), std::nullopt);
    EXPECT_EQ(event.first("b"), "1");
    EXPECT_EQ(event.first("c"), std::nullopt);
    EXPECT_EQ(event.first(""), std::nullopt);
    EXPECT_EQ(event.all("a").size(), 2U);
    EXPECT_EQ((*event.all("b")[1])[1], "3");
}

json good_object() { return json::parse(encode_event(make_event(rich_draft()))); }

struct Refusal {
    std::string name;
    std::function<void(json&)> change;
};

class MalformedEvent : public testing::TestWithParam<Refusal> {};

TEST_P(MalformedEvent, IsRefusedByItsForm)
{
    json object = good_object();
    ASSERT_TRUE(parse_event(object));
    GetParam().change(object);
    expect_reason(parse_event(object), Reason::bad_encoding);
    expect_reason(parse_event(object.dump()), Reason::bad_encoding);
}

std::string upper(std::string text)
{
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

INSTANTIATE_TEST_SUITE_P(
    Each, MalformedEvent,
    testing::Values(
        Refusal{"NoId", [](json& o) { o.erase("id"); }}, Refusal{"NoPubkey", [](json& o) { o.erase("pubkey"); }},
        Refusal{"NoCreatedAt", [](json& o) { o.erase("created_at"); }},
        Refusal{"NoKind", [](json& o) { o.erase("kind"); }}, Refusal{"NoTags", [](json& o) { o.erase("tags"); }},
        Refusal{"NoContent", [](json& o) { o.erase("content"); }}, Refusal{"NoSig", [](json& o) { o.erase("sig"); }},
        Refusal{"UppercaseId", [](json& o) { o["id"] = upper(o["id"]); }},
        Refusal{"UppercasePubkey", [](json& o) { o["pubkey"] = upper(o["pubkey"]); }},
        Refusal{"UppercaseSig", [](json& o) { o["sig"] = upper(o["sig"]); }},
        Refusal{"ShortId", [](json& o) { o["id"] = "00"; }},
        Refusal{"LongSig", [](json& o) { o["sig"] = str(o["sig"]) + "00"; }},
        Refusal{"PubkeyOffTheCurve", [](json& o) { o["pubkey"] = std::string(64, '0'); }},
        Refusal{"IdThatIsANumber", [](json& o) { o["id"] = 5; }},
        Refusal{"CreatedAtWithAFraction", [](json& o) { o["created_at"] = 1700000000.0; }},
        Refusal{"CreatedAtAsText", [](json& o) { o["created_at"] = "1700000000"; }},
        Refusal{"CreatedAtBelowZero", [](json& o) { o["created_at"] = -1; }},
        Refusal{"CreatedAtOf2To53", [](json& o) { o["created_at"] = 1ULL << 53U; }},
        Refusal{"CreatedAtOf2To64", [](json& o) { o["created_at"] = UINT64_MAX; }},
        Refusal{"KindOf65536", [](json& o) { o["kind"] = 65536; }},
        Refusal{"KindBelowZero", [](json& o) { o["kind"] = -1; }},
        Refusal{"KindAsText", [](json& o) { o["kind"] = "1"; }},
        Refusal{"TagsThatAreAnObject", [](json& o) { o["tags"] = json::object(); }},
        Refusal{"ATagThatIsAString", [](json& o) { o["tags"][0] = "d"; }},
        Refusal{"ATagWithANumber", [](json& o) { o["tags"][0][1] = 5; }},
        Refusal{"ATagWithNull", [](json& o) { o["tags"][0][1] = nullptr; }},
        Refusal{"ATagWithAList", [](json& o) { o["tags"][0][1] = json::array(); }},
        Refusal{"ContentThatIsNull", [](json& o) { o["content"] = nullptr; }},
        Refusal{"AnArray", [](json& o) { o = json::array({o}); }}, Refusal{"Null", [](json& o) { o = nullptr; }},
        Refusal{"AString", [](json& o) { o = "event"; }}),
    [](const auto& refusal) { return refusal.param.name; });

TEST(Event, TheLargestTimeAndKindAreTaken)
{
    json object = good_object();
    object["created_at"] = (1ULL << 53U) - 1;
    object["kind"] = 65535;
    const auto event = parse_event(object);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->created_at.count(), (1LL << 53U) - 1);
    EXPECT_EQ(event->kind, 65535U);
}

TEST(Event, NumbersWrittenOtherwiseAreRefused)
{
    const std::string text =
        encode_event(make_event({.created_at = UnixSeconds(1700000000), .kind = 1, .tags = {}, .content = ""}));
    for (const std::string number : {"1.7e9", "1700000000.0", "1e3", "18446744073709551616", "0x10", "017"}) {
        std::string changed = text;
        changed.replace(changed.find("1700000000"), 10, number);
        expect_reason(parse_event(changed), Reason::bad_encoding);
    }
}

TEST(Event, AnEventCutShortAnywhereIsRefused)
{
    const std::string text = encode_event(make_event(rich_draft()));
    for (std::size_t i = 0; i < text.size(); ++i) expect_reason(parse_event(text.substr(0, i)), Reason::bad_encoding);
}

TEST(Event, RandomBytesAndFlippedBytesNeverVerify)
{
    fakes::SeededRng rng(7);
    const std::string text = encode_event(make_event(rich_draft()));
    for (int i = 0; i < 500; ++i) {
        std::string changed = text;
        changed[rng.below(changed.size())] = static_cast<char>(rng.below(256));
        const auto event = parse_event(changed);
        if (event && changed != text) {
            EXPECT_FALSE(verify(*event)) << changed;
        }
        Bytes noise(rng.below(300));
        rng.fill(noise);
        EXPECT_FALSE(parse_event(as_text(noise)));
    }
}

TEST(Event, BadUtf8AndDeepNestingAreRefused)
{
    std::string text =
        encode_event(make_event({.created_at = UnixSeconds(1), .kind = 1, .tags = {}, .content = "MARK"}));
    std::string bad = text;
    bad.replace(bad.find("MARK"), 4, "\xc3\x28\xff\xff");
    expect_reason(parse_event(bad), Reason::bad_encoding);
    bad = text;
    bad.replace(bad.find("\"tags\":[]"), 9, "\"tags\":" + std::string(100000, '[') + std::string(100000, ']'));
    expect_reason(parse_event(bad), Reason::bad_encoding);
}

} // namespace
} // namespace adit::protocol
