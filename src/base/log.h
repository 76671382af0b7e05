// base/log.h - one line per event: a fixed name, then keys and values. spdlog does the writing.
//   log_info("session_active", {{"purchase", id}, {"tier", 2}, {"took_ms", 41}});
// Never logged, at any level: keys, tokens, proof secrets, preimages, session ids, auth headers, bodies, client
// addresses.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace adit {

/// error: the operator must act; warn: should look; info: rare; debug: the rest, and all that a stranger can cause.
enum class LogLevel { debug, info, warn, error, off };
/// Of debug, info, warn and error.
std::optional<LogLevel> parse_log_level(std::string_view word);

/// text: time, level, name, then key=value. json: one object a line, of `time`, `level` and `event` and then the
/// fields.
enum class LogFormat { text, json };

class LogField {
public:
    LogField(std::string_view key, std::string_view value) : key_(key), value_(value) {}
    LogField(std::string_view key, const char* value) : key_(key), value_(value) {}
    LogField(std::string_view key, const std::string& value) : key_(key), value_(value) {}
    LogField(std::string_view key, bool value) : key_(key), value_(value ? "true" : "false"), bare_(true) {}
    template<std::integral Number>
    requires(!std::same_as<Number, bool>) LogField(std::string_view key, Number value)
        : key_(key), value_(std::to_string(value)), bare_(true)
    {
    }
    std::string_view key() const { return key_; }
    const std::string& value() const { return value_; }
    /// A number or a truth: without quotes in JSON.
    bool bare() const { return bare_; }

private:
    std::string_view key_;
    std::string value_;
    bool bare_ = false;
};

/// To standard error until told otherwise. Call before threads start.
void log_to_stderr(LogLevel threshold, LogFormat format = LogFormat::text);
/// Lines of this level so far, those below the threshold not counted.
std::uint64_t lines_logged(LogLevel level);
/// For tests: every line, without its time and level, goes to `sink` (any thread); nullptr restores standard error.
void log_to(void (*sink)(std::string_view line));

void log_debug(std::string_view event, std::initializer_list<LogField> fields = {});
void log_info(std::string_view event, std::initializer_list<LogField> fields = {});
void log_warn(std::string_view event, std::initializer_list<LogField> fields = {});
void log_error(std::string_view event, std::initializer_list<LogField> fields = {});

} // namespace adit
