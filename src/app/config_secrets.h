// app/config_secrets.h - secrets that stand in files of their own, whose modes are closed to others.
#pragma once

#include "app/config.h"
#include "app/config_reader.h"

namespace adit::app {

/// What more than one section's reading needs.
struct Reading {
    const ConfigSource& source;
    Complaints& complaints;
    bool inline_secrets = false;

    std::filesystem::path path(const std::string& text) const
    {
        const std::filesystem::path given(text);
        return given.is_absolute() || source.folder.empty() ? given : source.folder / given;
    }
};

/// What the file that `key` names holds, without blanks around it; none after a complaint.
std::optional<std::string> read_secret_file(Reading& reading, Section& section, std::string_view key,
                                            const std::filesystem::path& path, Place place);

} // namespace adit::app
