// A stranger's nutzap: whatever stands in its tags, it is read whole or refused.
#include "protocol/constants.h"
#include "protocol/nip61.h"

using namespace adit;
using namespace adit::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const PublicKey recipient =
        PublicKey::parse_hex("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").value();
    const std::string text(as_text({data, size}));
    Event event{.id = {},
                .pubkey = recipient,
                .created_at = UnixSeconds(1),
                .kind = kKindNutzap,
                .tags = {{"proof", text}, {"u", "https://mint.example"}, {"p", recipient.hex()}},
                .content = {},
                .sig = {}};
    if (const auto nutzap = parse_nutzap(event, recipient)) CHECK(nutzap->proofs.size() == 1);
    event.tags.front()[1] = R"({"id":"00ad268c4d1f5826","amount":8,"secret":"s","C":"02"})";
    event.tags.push_back({"u", text});
    event.tags.push_back({"unit", text});
    event.tags.push_back({text});
    if (const auto nutzap = parse_nutzap(event, recipient)) CHECK(!nutzap->proofs.empty());
    return 0;
}
