#include "app/config_secrets.h"

#include "base/ascii.h"

namespace adit::app {

std::optional<std::string> read_secret_file(Reading& reading, Section& section, std::string_view key,
                                            const std::filesystem::path& path, Place place)
{
    const auto file = reading.source.read_secret(path);
    if (!file) {
        section.error(place, key, "can not be read (" + file.error().detail + "), expected a file with the secret");
        return std::nullopt;
    }
    switch (file->openness) {
    case FileOpenness::open:
        section.error(place, key, path.string() + " may be read or written by others, expected mode 0600");
        return std::nullopt;
    case FileOpenness::group_readable:
        section.warn(place, key, path.string() + " may be read by its group, expected mode 0600");
        break;
    case FileOpenness::closed:
        break;
    }
    const std::string_view secret = trimmed(file->text, " \t\r\n");
    if (secret.empty()) {
        section.error(place, key, path.string() + " is empty, expected a file with the secret");
        return std::nullopt;
    }
    return std::string(secret);
}

} // namespace adit::app
