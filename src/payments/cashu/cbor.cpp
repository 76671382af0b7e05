#include "payments/cashu/cbor.h"

#include <array>

namespace adit::payments::cashu {
namespace {

constexpr std::uint8_t kUint = 0, kNegative = 1, kByteString = 2, kText = 3, kArray = 4, kMap = 5, kTag = 6,
                       kSimple = 7;
constexpr std::uint8_t kIndefinite = 31;
constexpr std::uint8_t kBreak = 0xff;
constexpr std::uint8_t kFalse = 0xf4, kTrue = 0xf5, kNull = 0xf6, kUndefined = 0xf7;

Error malformed_cbor(const char* what) { return Error{Reason::bad_encoding, what}; }

} // namespace

Result<CborReader::Head> CborReader::read_head()
{
    if (rest_.empty()) return malformed_cbor("CBOR ends early");
    Head head;
    head.major = static_cast<std::uint8_t>(rest_[0] >> 5);
    head.info = rest_[0] & 31;
    rest_ = rest_.subspan(1);
    if (head.info < 24) {
        head.value = head.info;
    } else if (head.info < 28) {
        const std::size_t width = std::size_t{1} << (head.info - 24);
        if (rest_.size() < width) return malformed_cbor("CBOR ends early");
        for (const std::uint8_t byte : rest_.first(width)) head.value = head.value << 8 | byte;
        rest_ = rest_.subspan(width);
    } else if (head.info != kIndefinite) {
        return malformed_cbor("CBOR reserved length");
    } else if (head.major == kUint || head.major == kNegative || head.major == kTag) {
        return malformed_cbor("CBOR number of indefinite length");
    }
    return head;
}

Result<std::uint64_t> CborReader::read_uint()
{
    const Head head = TRY(read_head());
    if (head.major != kUint) return malformed_cbor("CBOR: expected an unsigned integer");
    return head.value;
}

Result<bool> CborReader::read_bool()
{
    if (rest_.empty() || (rest_[0] != kFalse && rest_[0] != kTrue)) return malformed_cbor("CBOR: expected a boolean");
    const bool value = rest_[0] == kTrue;
    rest_ = rest_.subspan(1);
    return value;
}

Result<Bytes> CborReader::read_string(std::uint8_t major)
{
    const Head head = TRY(read_head());
    if (head.major != major) return malformed_cbor("CBOR: expected another kind of string");
    Bytes out;
    const auto take = [&](std::uint64_t length) {
        if (length > rest_.size()) return false;
        append(out, rest_.first(static_cast<std::size_t>(length)));
        rest_ = rest_.subspan(static_cast<std::size_t>(length));
        return true;
    };
    if (head.info != kIndefinite) {
        if (!take(head.value)) return malformed_cbor("CBOR ends early");
        return out;
    }
    for (;;) {
        const Head chunk = TRY(read_head());
        if (chunk.major == kSimple && chunk.info == kIndefinite) return out;
        if (chunk.major != major || chunk.info == kIndefinite) return malformed_cbor("CBOR: wrong chunk in a string");
        if (!take(chunk.value)) return malformed_cbor("CBOR ends early");
    }
}

Result<std::string> CborReader::read_text()
{
    const Bytes bytes = TRY(read_string(kText));
    if (!is_utf8(as_text(bytes))) return malformed_cbor("CBOR text is not UTF-8");
    return std::string(as_text(bytes));
}

Result<Bytes> CborReader::read_bytes() { return read_string(kByteString); }

Result<CborReader::Items> CborReader::enter(std::uint8_t major)
{
    const Head head = TRY(read_head());
    if (head.major != major) return malformed_cbor("CBOR: expected another kind of container");
    Items items;
    if (head.info != kIndefinite) items.left_ = head.value;
    return items;
}

Result<CborReader::Items> CborReader::enter_array() { return enter(kArray); }
Result<CborReader::Items> CborReader::enter_map() { return enter(kMap); }

Result<bool> CborReader::next(Items& items)
{
    if (items.left_) {
        if (*items.left_ == 0) return false;
        --*items.left_;
        return true;
    }
    if (rest_.empty()) return malformed_cbor("CBOR ends early");
    if (rest_[0] != kBreak) return true;
    rest_ = rest_.subspan(1);
    items.left_ = 0;
    return false;
}

Result<std::string> CborReader::read_key()
{
    if (!rest_.empty() && rest_[0] >> 5 == kText) return read_text();
    TRY(skip());
    return std::string();
}

bool CborReader::skip_absent()
{
    if (rest_.empty() || (rest_[0] != kNull && rest_[0] != kUndefined)) return false;
    rest_ = rest_.subspan(1);
    return true;
}

Result<void> CborReader::skip()
{
    struct Level {
        std::optional<std::uint64_t> left; // items, keys counted too; none: until a break
        std::uint8_t major = kTag;
        bool odd = false; // a key was read, its value was not
    };
    std::array<Level, kMaxDepth + 1> levels;
    std::size_t depth = 0;
    levels[0] = Level{1};

    for (;;) {
        while (levels[depth].left == std::uint64_t{0}) {
            if (depth == 0) return {};
            --depth;
        }
        Level& level = levels[depth];
        const Head head = TRY(read_head());
        if (head.major == kSimple && head.info == kIndefinite) { // a break
            if (level.left || level.odd) return malformed_cbor("CBOR: misplaced break");
            --depth; // an indefinite level is never the lowest
            continue;
        }
        if (head.major == kTag) continue; // says something about the item that follows
        if (level.left) --*level.left;
        if (level.major == kMap) level.odd = !level.odd;

        Level inner{std::uint64_t{0}, head.major};
        switch (head.major) {
        case kUint:
        case kNegative:
        case kSimple:
            continue;
        case kByteString:
        case kText:
            if (head.info != kIndefinite) {
                if (head.value > rest_.size()) return malformed_cbor("CBOR ends early");
                rest_ = rest_.subspan(static_cast<std::size_t>(head.value));
                continue;
            }
            inner.left.reset(); // its chunks are strings too
            break;
        case kArray:
        case kMap:
            inner.left = head.value;
            if (head.info == kIndefinite) {
                inner.left.reset();
            } else if (head.value > rest_.size()) { // each item takes a byte at least
                return malformed_cbor("CBOR ends early");
            } else if (head.major == kMap) {
                inner.left = head.value * 2;
            }
            break;
        default:
            return malformed_cbor("CBOR: unknown kind");
        }
        if (depth == kMaxDepth) return malformed_cbor("CBOR is nested too deeply");
        levels[++depth] = inner;
    }
}

void CborWriter::head(std::uint8_t major, std::uint64_t value)
{
    const auto first = static_cast<std::uint8_t>(major << 5);
    if (value < 24) {
        out_.push_back(static_cast<std::uint8_t>(first | value));
        return;
    }
    const unsigned power = value <= 0xff ? 0 : value <= 0xffff ? 1 : value <= 0xffffffff ? 2 : 3;
    out_.push_back(static_cast<std::uint8_t>(first | (24 + power)));
    for (unsigned left = 1U << power; left-- > 0;) out_.push_back(static_cast<std::uint8_t>(value >> (8 * left)));
}

void CborWriter::text(std::string_view value)
{
    head(kText, value.size());
    append(out_, as_bytes(value));
}

void CborWriter::bytes(ByteView value)
{
    head(kByteString, value.size());
    append(out_, value);
}

} // namespace adit::payments::cashu
