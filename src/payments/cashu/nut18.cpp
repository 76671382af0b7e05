#include "payments/cashu/nut18.h"

#include "base/bytes.h"
#include "payments/cashu/cbor.h"

namespace adit::payments::cashu {
namespace {

constexpr std::string_view kPrefix = "creqA";
constexpr std::size_t kMaxRequestBytes = 16 * 1024;

Error bad_request(const char* what) { return Error{Reason::bad_encoding, what}; }

template<typename Read>
auto read_list(CborReader& in, Read read) -> Result<std::vector<typename decltype(read())::value_type>>
{
    std::vector<typename decltype(read())::value_type> list;
    auto items = TRY(in.enter_array());
    while (TRY(in.next(items))) list.push_back(TRY(read()));
    return list;
}

Result<std::vector<SecretTag>> read_request_tags(CborReader& in)
{
    auto tags = TRY(read_list(in, [&] { return read_list(in, [&] { return in.read_text(); }); }));
    for (const SecretTag& tag : tags)
        if (tag.empty()) return bad_request("an empty tag");
    return tags;
}

Result<PaymentTransport> read_transport(CborReader& in)
{
    std::optional<std::string> type, target;
    std::optional<std::vector<SecretTag>> tags;
    const auto text = [&] { return in.read_text(); };
    auto items = TRY(in.enter_map());
    while (TRY(in.next(items))) {
        const std::string key = TRY(in.read_key());
        if (key == "t")
            TRY(in.read_once(type, text));
        else if (key == "a")
            TRY(in.read_once(target, text));
        else if (key == "g")
            TRY(in.read_once(tags, [&] { return read_request_tags(in); }));
        else
            TRY(in.skip());
    }
    if (!type) return bad_request("a transport without a type");
    return PaymentTransport{std::move(*type), target.value_or(""), std::move(tags).value_or(std::vector<SecretTag>())};
}

Result<RequestedLock> read_lock(CborReader& in)
{
    std::optional<std::string> kind, data;
    std::optional<std::vector<SecretTag>> tags;
    const auto text = [&] { return in.read_text(); };
    auto items = TRY(in.enter_map());
    while (TRY(in.next(items))) {
        const std::string key = TRY(in.read_key());
        if (key == "k")
            TRY(in.read_once(kind, text));
        else if (key == "d")
            TRY(in.read_once(data, text));
        else if (key == "t")
            TRY(in.read_once(tags, [&] { return read_request_tags(in); }));
        else
            TRY(in.skip());
    }
    if (!kind || !data) return bad_request("a lock without kind or data");
    return RequestedLock{std::move(*kind), std::move(*data), std::move(tags).value_or(std::vector<SecretTag>())};
}

Result<PaymentRequest> read_request(CborReader& in)
{
    PaymentRequest request;
    std::optional<std::uint64_t> amount;
    std::optional<std::vector<std::string>> mints;
    std::optional<std::vector<PaymentTransport>> transports;
    const auto text = [&] { return in.read_text(); };
    auto items = TRY(in.enter_map());
    while (TRY(in.next(items))) {
        const std::string key = TRY(in.read_key());
        if (key == "i")
            TRY(in.read_once(request.id, text));
        else if (key == "a")
            TRY(in.read_once(amount, [&] { return in.read_uint(); }));
        else if (key == "u")
            TRY(in.read_once(request.unit, text));
        else if (key == "s")
            TRY(in.read_once(request.single_use, [&] { return in.read_bool(); }));
        else if (key == "m")
            TRY(in.read_once(mints, [&] { return read_list(in, text); }));
        else if (key == "d")
            TRY(in.read_once(request.description, text));
        else if (key == "t")
            TRY(in.read_once(transports, [&] { return read_list(in, [&] { return read_transport(in); }); }));
        else if (key == "nut10")
            TRY(in.read_once(request.lock, [&] { return read_lock(in); }));
        else
            TRY(in.skip());
    }
    if (!in.at_end()) return bad_request("something follows the request");
    if (amount) request.amount = Sat(*amount);
    if (request.amount && !request.unit) return bad_request("an amount without a unit");
    request.mints = std::move(mints).value_or(std::vector<std::string>());
    request.transports = std::move(transports).value_or(std::vector<PaymentTransport>());
    return request;
}

void write_tags(CborWriter& out, const std::vector<SecretTag>& tags)
{
    out.array(tags.size());
    for (const SecretTag& tag : tags) {
        out.array(tag.size());
        for (const std::string& part : tag) out.text(part);
    }
}

void write_field(CborWriter& out, std::string_view key, std::string_view value)
{
    out.text(key);
    out.text(value);
}

std::size_t count_fields(const PaymentRequest& request)
{
    std::size_t fields = 0;
    for (const bool present : {request.id.has_value(), request.amount.has_value(), request.unit.has_value(),
                               request.single_use.has_value(), !request.mints.empty(), request.description.has_value(),
                               !request.transports.empty(), request.lock.has_value()})
        fields += present ? 1 : 0;
    return fields;
}

} // namespace

Result<PaymentRequest> parse_payment_request(std::string_view text)
{
    if (text.size() > kMaxRequestBytes) return bad_request("the payment request is too long");
    if (!text.starts_with(kPrefix)) return bad_request("a payment request begins with creqA");
    const Bytes cbor = TRY(parse_base64_any(text.substr(kPrefix.size())));
    CborReader in(cbor);
    return read_request(in);
}

std::string encode_payment_request(const PaymentRequest& request)
{
    CborWriter out;
    out.map(count_fields(request));
    if (request.id) write_field(out, "i", *request.id);
    if (request.amount) {
        out.text("a");
        out.uint(request.amount->count());
    }
    if (request.unit) write_field(out, "u", *request.unit);
    if (request.single_use) {
        out.text("s");
        out.boolean(*request.single_use);
    }
    if (!request.mints.empty()) {
        out.text("m");
        out.array(request.mints.size());
        for (const std::string& mint : request.mints) out.text(mint);
    }
    if (request.description) write_field(out, "d", *request.description);
    if (!request.transports.empty()) {
        out.text("t");
        out.array(request.transports.size());
        for (const PaymentTransport& transport : request.transports) {
            out.map(transport.tags.empty() ? 2 : 3);
            write_field(out, "t", transport.type);
            write_field(out, "a", transport.target);
            if (transport.tags.empty()) continue;
            out.text("g");
            write_tags(out, transport.tags);
        }
    }
    if (request.lock) {
        out.text("nut10");
        out.map(request.lock->tags.empty() ? 2 : 3);
        write_field(out, "k", request.lock->kind);
        write_field(out, "d", request.lock->data);
        if (!request.lock->tags.empty()) {
            out.text("t");
            write_tags(out, request.lock->tags);
        }
    }
    return std::string(kPrefix) + encode_base64url(out.out());
}

} // namespace adit::payments::cashu
