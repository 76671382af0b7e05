// cli/arguments.h - the words after a verb.
#pragma once

#include "base/result.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adit::cli {

struct Option {
    enum class Takes { nothing, value, values };
    std::string_view name; // "--relay"
    Takes takes = Takes::value;
};

class Arguments {
public:
    /// "--name value" or "--name=value"; "--" ends the options. Errors: bad_request (says which word, but never a
    /// value: it may be a token).
    static Result<Arguments> parse(std::span<const std::string> words, std::span<const Option> options);

    bool has(std::string_view name) const { return values_.contains(name); }
    /// The last one given.
    std::optional<std::string> value(std::string_view name) const;
    std::vector<std::string> values(std::string_view name) const;
    /// Errors: bad_request (not a whole number from 1 to `most`).
    Result<std::uint64_t> number(std::string_view name, std::uint64_t otherwise, std::uint64_t most) const;
    const std::vector<std::string>& rest() const { return rest_; }

private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
    std::vector<std::string> rest_;
};

} // namespace adit::cli
