// What a client sends after the handshake, in two pieces: the same frames as in one.
#include "devnet/websocket_frames.h"

#include <vector>

namespace {

std::vector<std::string> read_all(std::initializer_list<std::string_view> pieces)
{
    adit::devnet::FrameReader reader;
    std::vector<std::string> payloads;
    for (const std::string_view piece : pieces) {
        reader.feed(piece);
        for (;;) {
            const auto frame = reader.next();
            if (!frame) return payloads;
            if (!*frame) break;
            CHECK((*frame)->payload.size() <= adit::devnet::FrameReader::kMaxPayload);
            payloads.push_back((*frame)->payload);
        }
    }
    return payloads;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    const std::string_view text = adit::as_text({bytes, size});
    CHECK(read_all({text}) == read_all({text.substr(0, size / 2), text.substr(size / 2)}));
    return 0;
}
