// What a UAPI socket may answer: to a dump, and to a change.
#include "wg/uapi_message.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    const std::string_view answer = adit::as_text({bytes, size});
    const auto status = adit::wg::uapi::parse_get_answer(answer);
    if (status) CHECK(adit::wg::uapi::is_complete(answer, 0));
    const auto set = adit::wg::uapi::parse_set_answer(answer);
    if (set) CHECK(answer.starts_with("errno="));
    return 0;
}
