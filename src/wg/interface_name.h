// wg/interface_name.h - what Linux and wg-quick both take as the name of an interface.
#pragma once

#include <algorithm>
#include <string_view>

namespace adit::wg {

/// [a-zA-Z0-9_=+.-]{1,15}, and neither "." nor "..": the name is part of the UAPI socket's path.
inline bool is_interface_name(std::string_view name)
{
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=+.-";
    return !name.empty() && name.size() <= 15 && name != "." && name != ".." &&
           name.find_first_not_of(kAllowed) == std::string_view::npos;
}

} // namespace adit::wg
