#include "cli/arguments.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace adit::cli {

namespace {

Error wrong(std::string what) { return Error{Reason::bad_request, std::move(what)}; }

} // namespace

Result<Arguments> Arguments::parse(std::span<const std::string> words, std::span<const Option> options)
{
    Arguments arguments;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "--") {
            arguments.rest_.insert(arguments.rest_.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                   words.end());
            break;
        }
        if (!word.starts_with("--") || word.size() == 2) {
            if (word.size() > 1 && word.front() == '-') return wrong("there is no option " + word.substr(0, 2));
            arguments.rest_.push_back(word);
            continue;
        }
        const std::size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        const auto option = std::ranges::find(options, std::string_view(name), &Option::name);
        if (option == options.end()) return wrong("there is no option " + name);
        auto& values = arguments.values_[name];
        if (option->takes == Option::Takes::nothing) {
            if (equals != std::string::npos) return wrong(name + " takes no value");
            continue;
        }
        if (option->takes == Option::Takes::value && !values.empty()) return wrong(name + " is given twice");
        if (equals != std::string::npos) {
            values.push_back(word.substr(equals + 1));
        } else {
            if (i + 1 == words.size()) return wrong(name + " needs a value");
            values.push_back(words[++i]);
        }
    }
    return arguments;
}

std::optional<std::string> Arguments::value(std::string_view name) const
{
    const auto found = values_.find(name);
    if (found == values_.end() || found->second.empty()) return std::nullopt;
    return found->second.back();
}

std::vector<std::string> Arguments::values(std::string_view name) const
{
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>() : found->second;
}

Result<std::uint64_t> Arguments::number(std::string_view name, std::uint64_t otherwise, std::uint64_t most) const
{
    const auto text = value(name);
    if (!text) return otherwise;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size() || number == 0 || number > most)
        return wrong(std::string(name) + " takes a whole number from 1 to " + std::to_string(most));
    return number;
}

} // namespace adit::cli
