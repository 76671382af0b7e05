#include "http/router.h"

#include "base/bytes.h"
#include "base/check.h"

#include <algorithm>

namespace adit::http {

namespace {

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// "/a/b" is {"a", "b"}; "/" is {""}.
std::vector<std::string_view> segments_of(std::string_view path)
{
    std::vector<std::string_view> segments;
    if (!path.empty() && path.front() == '/') path.remove_prefix(1);
    for (;;) {
        const std::size_t slash = path.find('/');
        segments.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return segments;
        path.remove_prefix(slash + 1);
    }
}

bool is_parameter(std::string_view segment) { return segment.size() > 2 && segment.front() == '{'; }

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path)
{
    return std::equal(pattern.begin(), pattern.end(), path.begin(), path.end(),
                      [](const std::string& wanted, std::string_view got) {
                          return is_parameter(wanted) ? !got.empty() : wanted == got;
                      });
}

void append_method(std::string& list, std::string_view method)
{
    if (!list.empty()) list += ", ";
    list += method;
}

} // namespace

std::optional<std::string> percent_decoded(std::string_view text, Plus plus)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (text.size() - i < 3) return std::nullopt;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus == Plus::space) {
            c = ' ';
        }
        if (c == '\0') return std::nullopt;
        out += c;
    }
    if (!is_utf8(out)) return std::nullopt;
    return out;
}

void Router::add(std::string_view method, std::string_view pattern, Handler handler)
{
    Route route{std::string(method), {}, std::move(handler)};
    for (const std::string_view segment : segments_of(pattern)) route.segments.emplace_back(segment);
    for (const Route& other : routes_) CHECK(other.method != route.method || other.segments != route.segments);
    routes_.push_back(std::move(route));
}

Router::Match Router::find(std::string_view method, std::string_view path) const
{
    const std::vector<std::string_view> segments = segments_of(path);
    const std::string_view wanted = method == "HEAD" ? "GET" : method;
    Match match;
    for (const Route& route : routes_) {
        if (!matches(route.segments, segments)) continue;
        append_method(match.allow, route.method);
        if (route.method == "GET") append_method(match.allow, "HEAD");
        if (route.method != wanted || match.handler) continue;
        match.handler = &route.handler;
        match.outcome = Outcome::found;
        for (std::size_t i = 0; i < segments.size(); ++i) {
            const std::string& name = route.segments[i];
            if (!is_parameter(name)) continue;
            auto value = percent_decoded(segments[i], Plus::kept);
            if (!value) return {Outcome::bad_encoding};
            match.parameters.emplace_back(name.substr(1, name.size() - 2), std::move(*value));
        }
    }
    if (!match.handler && !match.allow.empty()) match.outcome = Outcome::method_not_allowed;
    if (!match.allow.empty()) append_method(match.allow, "OPTIONS");
    return match;
}

} // namespace adit::http
