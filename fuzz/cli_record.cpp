// Purchase files: what is taken is written again as it was read.
#include "base/check.h"
#include "cli/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    const auto record = adit::cli::parse_record({reinterpret_cast<const char*>(bytes), size});
    if (!record) return 0;
    const std::string text = adit::cli::encode_record(*record);
    const auto again = adit::cli::parse_record(text);
    CHECK(again.has_value());
    CHECK(adit::cli::encode_record(*again) == text);
    return 0;
}
