// payments/cashu/cbor.h - the part of CBOR that tokens and payment requests use. RFC 8949. Internal to this folder.
// A reader that is asked for what the caller expects next: it builds nothing, never recurses, and allocates no more
// than the bytes it was given, which the tree-building libraries do not promise for input of strangers.
#pragma once

#include "base/bytes.h"

#include <optional>
#include <string>

namespace adit::payments::cashu {

/// Definite and indefinite lengths, integers of any width. Errors of all: bad_encoding.
class CborReader {
public:
    /// Borrows the bytes.
    explicit CborReader(ByteView bytes) : rest_(bytes) {}

    /// One map or array that is being read.
    class Items {
    public:
        Items() = default;

    private:
        friend class CborReader;
        std::optional<std::uint64_t> left_; // none: until a break
    };

    Result<std::uint64_t> read_uint();
    Result<bool> read_bool();
    /// UTF-8.
    Result<std::string> read_text();
    Result<Bytes> read_bytes();
    /// Then next() before each element of an array, before each key of a map.
    Result<Items> enter_array();
    Result<Items> enter_map();
    Result<bool> next(Items& items);
    /// A map's key; one that is not text gives an empty text, which no caller knows.
    Result<std::string> read_key();
    /// Reads null or undefined, if that is what comes next: both mean absent.
    bool skip_absent();
    /// The value of a known key by `read`, into a field that is still empty; null or undefined leaves it so.
    template<typename T, typename Read>
    Result<void> read_once(std::optional<T>& field, Read read)
    {
        if (skip_absent()) return {};
        if (field) return Error{Reason::bad_encoding, "a key is there twice"};
        field = TRY(read());
        return {};
    }
    /// Reads past one item of any kind, nested up to kMaxDepth.
    Result<void> skip();
    bool at_end() const { return rest_.empty(); }

private:
    struct Head {
        std::uint8_t major = 0;
        std::uint8_t info = 0;   // 31: indefinite length, or a break
        std::uint64_t value = 0; // the argument
    };
    static constexpr std::size_t kMaxDepth = 16;

    Result<Head> read_head();
    Result<Bytes> read_string(std::uint8_t major);
    Result<Items> enter(std::uint8_t major);

    ByteView rest_;
};

/// Definite lengths, shortest forms.
class CborWriter {
public:
    void map(std::size_t pairs) { head(5, pairs); }
    void array(std::size_t elements) { head(4, elements); }
    void text(std::string_view value);
    void bytes(ByteView value);
    void uint(std::uint64_t value) { head(0, value); }
    void boolean(bool value) { out_.push_back(value ? 0xf5 : 0xf4); }
    const Bytes& out() const { return out_; }

private:
    void head(std::uint8_t major, std::uint64_t value);
    Bytes out_;
};

} // namespace adit::payments::cashu
