// base/log.h - one line per event: a fixed name, then keys and values. spdlog does the writing.
//   log_info("session_active", {{"purchase", id}, {"tier", 2}, {"took_ms", 41}});
// Never logged, at any level: keys, tokens, proof secrets, preimages, session ids, auth headers, bodies, client
// addresses.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace adit {

/// error: the operator must act; warn: should look; info: rare; debug: the rest, and all that a stranger can cause.
enum class LogLevel { debug, info, warn, error, off };

class LogField {
public:
    LogField(std::string_view key, std::string_view value) : key_(key), value_(value) {}
    LogField(std::string_view key, const char* value) : key_(key), value_(value) {}
    LogField(std::string_view key, const std::string& value) : key_(key), value_(value) {}
    LogField(std::string_view key, bool value) : key_(key), value_(value ? "true" : "false") {}
    template<std::integral Number>
    requires(!std::same_as<Number, bool>) LogField(std::string_view key, Number value)
        : key_(key), value_(std::to_string(value))
    {
    }
    std::string_view key() const { return key_; }
    const std::string& value() const { return value_; }

private:
    std::string_view key_;
    std::string value_;
};

/// To standard error until told otherwise. Call before threads start.
void log_to_stderr(LogLevel threshold);
/// For tests: every line goes to `sink` (any thread); nullptr restores standard error.
void log_to(void (*sink)(std::string_view line));

void log_debug(std::string_view event, std::initializer_list<LogField> fields = {});
void log_info(std::string_view event, std::initializer_list<LogField> fields = {});
void log_warn(std::string_view event, std::initializer_list<LogField> fields = {});
void log_error(std::string_view event, std::initializer_list<LogField> fields = {});

} // namespace adit
