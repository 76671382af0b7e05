// operate/repository_files.h - files of the repository that `adit init` fills in, embedded by cmake/AditEmbed.cmake.
#pragma once

#include <span>
#include <string_view>

namespace adit::operate {

struct RepositoryFile {
    std::string_view name; // as in the repository
    std::string_view text;
};

std::span<const RepositoryFile> repository_files();

/// "" where this build has no such file.
inline std::string_view repository_file(std::string_view name)
{
    for (const RepositoryFile& file : repository_files())
        if (file.name == name) return file.text;
    return {};
}

} // namespace adit::operate
