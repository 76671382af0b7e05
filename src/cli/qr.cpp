#include "cli/qr.h"

#include <memory>
#include <qrencode.h>

namespace adit::cli {

namespace {
constexpr int kQuiet = 2; // modules; readers cope with less than the standard's four
}

Result<std::string> qr_code(std::string_view text, Ink ink)
{
    const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
        QRcode_encodeData(static_cast<int>(std::min<std::size_t>(text.size(), 1 << 16)),
                          reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_L),
        QRcode_free);
    if (!code || text.empty()) return Error{Reason::bad_request, "too long for a QR code"};
    const int width = code->width;
    const auto dark = [&](int x, int y) {
        if (x < 0 || y < 0 || x >= width || y >= width) return false;
        return (code->data[static_cast<std::size_t>(y * width + x)] & 1U) != 0;
    };
    // Light modules are drawn, since most terminals are dark; with ANSI colours both are fixed.
    std::string out;
    for (int y = -kQuiet; y < width + kQuiet; y += 2) {
        if (ink == Ink::ansi) out += "\x1b[97;40m";
        for (int x = -kQuiet; x < width + kQuiet; ++x) {
            const bool upper = !dark(x, y);
            const bool lower = y + 1 < width + kQuiet && !dark(x, y + 1);
            out += upper ? (lower ? "█" : "▀") : (lower ? "▄" : " ");
        }
        if (ink == Ink::ansi) out += "\x1b[0m";
        out += '\n';
    }
    return out;
}

} // namespace adit::cli
