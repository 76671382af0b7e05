#include "base/log.h"

#include "base/bytes.h"
#include "base/check.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace adit {

namespace {

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

std::atomic<void (*)(std::string_view)> test_sink{nullptr};
std::atomic<LogFormat> format_now{LogFormat::text};
std::array<std::atomic<std::uint64_t>, 4> counts{}; // by LogLevel

spdlog::logger& logger()
{
    static const auto instance = [] {
        auto made = std::make_shared<spdlog::logger>("adit", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern(kTextPattern, spdlog::pattern_time_type::utc);
        made->flush_on(spdlog::level::debug);
        return made;
    }();
    return *instance;
}

/// A value from outside may not start a new line or fake a field.
void append_value(std::string& line, std::string_view value)
{
    const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
        return c > ' ' && c < 0x7F && c != '"' && c != '=';
    });
    if (plain) {
        line += value;
        return;
    }
    line += '"';
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            line += '\\';
            line += c;
        } else {
            line += static_cast<unsigned char>(c) < ' ' || c == 0x7F ? '?' : c;
        }
    }
    line += '"';
}

std::string text_line(std::string_view event, std::initializer_list<LogField> fields)
{
    std::string line(event);
    for (const LogField& field : fields) {
        line += ' ';
        line += field.key();
        line += '=';
        append_value(line, field.value());
    }
    return line;
}

/// RFC 8259. Bytes that are no UTF-8 become U+FFFD, each, since whoever reads the line would refuse all of it.
void append_json_text(std::string& line, std::string_view text)
{
    const bool readable = is_utf8(text);
    line += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            line += '\\';
            line += c;
        } else if (byte < ' ' || byte == 0x7F) {
            constexpr std::string_view digits = "0123456789abcdef";
            line += "\\u00";
            line += digits[byte >> 4];
            line += digits[byte & 15];
        } else if (byte >= 0x80 && !readable) {
            line += "\\ufffd";
        } else {
            line += c;
        }
    }
    line += '"';
}

/// The members of the object, which the pattern begins with time and level.
std::string json_members(std::string_view event, std::initializer_list<LogField> fields)
{
    std::string line = "\"event\":";
    append_json_text(line, event);
    for (const LogField& field : fields) {
        line += ',';
        append_json_text(line, field.key());
        line += ':';
        if (field.bare())
            line += field.value();
        else
            append_json_text(line, field.value());
    }
    return line;
}

void write(LogLevel of, spdlog::level::level_enum level, std::string_view event, std::initializer_list<LogField> fields)
{
    const auto sink = test_sink.load();
    if (!sink && !logger().should_log(level)) return;
    counts.at(static_cast<std::size_t>(of)).fetch_add(1, std::memory_order_relaxed);
    const bool json = format_now == LogFormat::json;
    const std::string line = json ? json_members(event, fields) : text_line(event, fields);
    if (sink)
        sink(json ? "{" + line + "}" : line);
    else
        logger().log(level, "{}", line);
}

} // namespace

std::optional<LogLevel> parse_log_level(std::string_view word)
{
    if (word == "debug") return LogLevel::debug;
    if (word == "info") return LogLevel::info;
    if (word == "warn") return LogLevel::warn;
    if (word == "error") return LogLevel::error;
    return std::nullopt;
}

std::uint64_t lines_logged(LogLevel level)
{
    CHECK(level != LogLevel::off);
    return counts.at(static_cast<std::size_t>(level));
}

void log_to_stderr(LogLevel threshold, LogFormat format)
{
    format_now = format;
    logger().set_pattern(format == LogFormat::json ? kJsonPattern : kTextPattern, spdlog::pattern_time_type::utc);
    switch (threshold) {
    case LogLevel::debug:
        logger().set_level(spdlog::level::debug);
        return;
    case LogLevel::info:
        logger().set_level(spdlog::level::info);
        return;
    case LogLevel::warn:
        logger().set_level(spdlog::level::warn);
        return;
    case LogLevel::error:
        logger().set_level(spdlog::level::err);
        return;
    case LogLevel::off:
        logger().set_level(spdlog::level::off);
        return;
    }
}

void log_to(void (*sink)(std::string_view line)) { test_sink = sink; }

void log_debug(std::string_view event, std::initializer_list<LogField> fields)
{
    write(LogLevel::debug, spdlog::level::debug, event, fields);
}
void log_info(std::string_view event, std::initializer_list<LogField> fields)
{
    write(LogLevel::info, spdlog::level::info, event, fields);
}
void log_warn(std::string_view event, std::initializer_list<LogField> fields)
{
    write(LogLevel::warn, spdlog::level::warn, event, fields);
}
void log_error(std::string_view event, std::initializer_list<LogField> fields)
{
    write(LogLevel::error, spdlog::level::err, event, fields);
}

} // namespace adit
