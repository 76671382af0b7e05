// payments/percent.h - text inside a URL or a form. RFC 3986 section 2
#pragma once

#include <string>
#include <string_view>

namespace adit::payments {

/// All but letters, digits and "-._~" as %XX, so that it fits a segment of a path, a query's value and a form's.
std::string percent_encoded(std::string_view text);

} // namespace adit::payments
