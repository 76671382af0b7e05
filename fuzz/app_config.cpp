// A config.toml of anybody. Secret files are never there.
#include "app/config.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace adit::app;
    const auto absent = [](const std::filesystem::path&) -> adit::Result<SecretFile> {
        return adit::Error{adit::Reason::io, "no such file"};
    };
    const LoadedConfig loaded =
        parse_config({adit::as_text({data, size}), "c", "/etc/adit", adit::FileOpenness::closed, absent});
    CHECK(loaded.config.has_value() == loaded.errors.empty());
    for (const auto& complaint : loaded.errors) CHECK(complaint.starts_with("c:") && adit::is_utf8(complaint));
    return 0;
}
