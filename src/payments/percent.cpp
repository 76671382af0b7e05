#include "payments/percent.h"

#include "base/bytes.h"

namespace adit::payments {

std::string percent_encoded(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || c == '.' || c == '~';
        const auto byte = static_cast<std::uint8_t>(c);
        if (plain)
            out += c;
        else
            out += '%' + encode_hex(ByteView(&byte, 1));
    }
    return out;
}

} // namespace adit::payments
