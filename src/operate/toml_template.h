// operate/toml_template.h - the example config, with other values in it. Lines that are not asked for stay as they are,
// so the comments of the one file serve both.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace adit::operate {

/// Text as a TOML basic string, in quotes.
std::string toml_text(std::string_view text);
std::string toml_texts(const std::vector<std::string>& texts);

/// Knows the form of config.example.toml and no other: a table begins at the left margin, a key and its value stand on
/// one line (but for text in three quotes), and a key that is off begins with "# ". A name that the text does not have
/// is a mistake of ours, and ends the process.
class TomlTemplate {
public:
    explicit TomlTemplate(std::string_view text);

    /// Gives the key of `table` this value, TOML as it stands; a key that was off is on afterwards.
    /// `nth`: of several lines of that key which are off.
    void set(std::string_view table, std::string_view key, std::string_view value, int nth = 1);
    /// Of a key that is on: TOML as it stands.
    std::string value(std::string_view table, std::string_view key) const;
    /// Turns the key off, with the value that it has.
    void unset(std::string_view table, std::string_view key);
    /// Turns all lines of a table off, its own name too.
    void drop(std::string_view table);
    /// In place of all [[name]] of the text, or where it had one that is off.
    using Rows = std::vector<std::vector<std::pair<std::string_view, std::string>>>;
    void set_rows(std::string_view name, const Rows& rows);
    /// In place of the comment that the text begins with.
    void set_opening(std::string_view comment);
    /// Takes the word CHANGE out of every comment.
    void end_marks();

    std::string text() const;

private:
    std::size_t find_table(std::string_view table) const;
    std::size_t end_of(std::size_t table) const;
    std::size_t find_key(std::string_view table, std::string_view key, int nth = 1) const;

    std::vector<std::string> lines_;
};

} // namespace adit::operate
