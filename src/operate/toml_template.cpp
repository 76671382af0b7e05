#include "operate/toml_template.h"

#include "base/check.h"

#include <algorithm>

namespace adit::operate {

namespace {

constexpr std::string_view kOff = "# ";

std::string_view without_off(std::string_view line)
{
    if (line.starts_with(kOff)) line.remove_prefix(kOff.size());
    return line;
}

bool begins_table(std::string_view line) { return line.starts_with("["); }

/// Whether `line` is `[name]` or `[[name]]`, with or without a comment behind it.
bool is_table(std::string_view line, std::string_view name)
{
    return line.starts_with("[" + std::string(name) + "]") || line.starts_with("[[" + std::string(name) + "]]");
}

bool is_key(std::string_view line, std::string_view key) { return line.starts_with(std::string(key) + " = "); }

/// Where the value that starts at `from` ends: strings may hold anything, and lists may hold strings.
std::size_t end_of_value(std::string_view line, std::size_t from)
{
    int depth = 0;
    bool quoted = false;
    for (std::size_t at = from; at < line.size(); ++at) {
        const char c = line[at];
        if (quoted) {
            if (c == '\\') ++at;
            if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            ++depth;
        } else if (c == ']' || c == '}') {
            --depth;
        } else if ((c == ' ' || c == '#') && depth == 0) {
            return at;
        }
    }
    return line.size();
}

} // namespace

std::string toml_text(std::string_view text)
{
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += "\\u00";
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        } else {
            out += c;
        }
    }
    return out + "\"";
}

std::string toml_texts(const std::vector<std::string>& texts)
{
    std::string out = "[";
    for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + toml_text(text);
    return out + "]";
}

TomlTemplate::TomlTemplate(std::string_view text)
{
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines_.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

std::size_t TomlTemplate::find_table(std::string_view table) const
{
    for (std::size_t at = 0; at < lines_.size(); ++at)
        if (is_table(lines_[at], table)) return at;
    for (std::size_t at = 0; at < lines_.size(); ++at)
        if (is_table(without_off(lines_[at]), table)) return at;
    CHECK(false && "the example config has no such table");
    return lines_.size();
}

/// The line after the last one of the table that begins there.
std::size_t TomlTemplate::end_of(std::size_t table) const
{
    std::size_t end = table + 1;
    while (end < lines_.size() && !begins_table(without_off(lines_[end]))) ++end;
    return end;
}

std::size_t TomlTemplate::find_key(std::string_view table, std::string_view key, int nth) const
{
    const std::size_t begin = find_table(table);
    const std::size_t end = end_of(begin);
    for (std::size_t at = begin + 1; at < end; ++at)
        if (is_key(lines_[at], key)) return at;
    for (std::size_t at = begin + 1; at < end; ++at)
        if (is_key(without_off(lines_[at]), key) && --nth == 0) return at;
    CHECK(false && "the example config has no such key");
    return lines_.size();
}

std::string TomlTemplate::value(std::string_view table, std::string_view key) const
{
    const std::string& line = lines_[find_key(table, key)];
    const std::size_t from = key.size() + 3;
    return line.substr(from, end_of_value(line, from) - from);
}

void TomlTemplate::set(std::string_view table, std::string_view key, std::string_view value, int nth)
{
    const std::size_t at = find_key(table, key, nth);
    const std::string line(without_off(lines_[at]));
    const std::size_t from = key.size() + 3;
    std::string comment;
    if (line.compare(from, 3, "\"\"\"") == 0) {
        const auto closing = std::find_if(lines_.begin() + static_cast<std::ptrdiff_t>(at) + 1, lines_.end(),
                                          [](const std::string& each) { return each.ends_with("\"\"\""); });
        CHECK(closing != lines_.end());
        lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(at) + 1, closing + 1);
    } else {
        comment = line.substr(end_of_value(line, from));
    }
    std::string changed = std::string(key) + " = " + std::string(value);
    // The comment stays in its column where it can.
    const std::size_t text = comment.find('#');
    if (text != std::string::npos) {
        const std::size_t column = lines_[at].size() - (comment.size() - text);
        changed.resize(std::max(changed.size() + 2, column), ' ');
        changed += comment.substr(text);
    }
    lines_[at] = std::move(changed);
}

void TomlTemplate::unset(std::string_view table, std::string_view key)
{
    std::string& line = lines_[find_key(table, key)];
    if (!line.starts_with(kOff)) line = std::string(kOff) + line;
}

void TomlTemplate::drop(std::string_view table)
{
    const std::size_t begin = find_table(table);
    for (std::size_t at = begin; at < end_of(begin); ++at)
        if (!lines_[at].empty() && !lines_[at].starts_with("#")) lines_[at] = std::string(kOff) + lines_[at];
}

void TomlTemplate::set_rows(std::string_view name, const Rows& rows)
{
    // Those of the text go, with their keys; comments and blank lines between them are of others.
    const std::size_t first = find_table(name);
    std::vector<std::string> off; // keys that the first one could have
    for (std::size_t at = first + 1; at < lines_.size() && lines_[at].find(" = ") != std::string::npos; ++at)
        if (lines_[at].starts_with(kOff) && !lines_[first].starts_with(kOff)) off.push_back(lines_[at]);
    for (std::size_t at = first; at < lines_.size();) {
        if (!is_table(without_off(lines_[at]), name)) {
            ++at;
            continue;
        }
        std::size_t end = at + 1;
        while (end < lines_.size() && without_off(lines_[end]).find(" = ") != std::string_view::npos) ++end;
        if (end < lines_.size() && lines_[end].empty()) ++end;
        lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(at),
                     lines_.begin() + static_cast<std::ptrdiff_t>(end));
    }
    std::vector<std::string> fresh;
    for (const auto& row : rows) {
        fresh.push_back("[[" + std::string(name) + "]]");
        for (const auto& [key, value] : row) fresh.push_back(std::string(key) + " = " + value);
        fresh.insert(fresh.end(), off.begin(), off.end());
        off.clear();
        fresh.emplace_back();
    }
    lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(std::min(first, lines_.size())), fresh.begin(),
                  fresh.end());
}

void TomlTemplate::set_opening(std::string_view comment)
{
    const auto end = std::ranges::find_if(lines_, [](const std::string& line) { return !line.starts_with("#"); });
    lines_.erase(lines_.begin(), end);
    const TomlTemplate opening(comment);
    lines_.insert(lines_.begin(), opening.lines_.begin(), opening.lines_.end());
}

void TomlTemplate::end_marks()
{
    constexpr std::pair<std::string_view, std::string_view> kMarks[]{
        {"CHANGE, and never again: it", "never change it: it"}, {"CHANGE: ", ""}, {"  # CHANGE", ""}};
    for (std::string& line : lines_) {
        for (const auto& [mark, instead] : kMarks)
            if (const std::size_t at = line.find(mark); at != std::string::npos) line.replace(at, mark.size(), instead);
        line.erase(line.find_last_not_of(' ') + 1);
    }
}

std::string TomlTemplate::text() const
{
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    while (text.ends_with("\n\n")) text.pop_back();
    return text;
}

} // namespace adit::operate
