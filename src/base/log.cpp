#include "base/log.h"

#include <algorithm>
#include <atomic>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace adit {

namespace {

std::atomic<void (*)(std::string_view)> test_sink{nullptr};

spdlog::logger& logger()
{
    static const auto instance = [] {
        auto made = std::make_shared<spdlog::logger>("adit", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
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

void write(spdlog::level::level_enum level, std::string_view event, std::initializer_list<LogField> fields)
{
    const auto sink = test_sink.load();
    if (!sink && !logger().should_log(level)) return;
    std::string line(event);
    for (const LogField& field : fields) {
        line += ' ';
        line += field.key();
        line += '=';
        append_value(line, field.value());
    }
    if (sink)
        sink(line);
    else
        logger().log(level, "{}", line);
}

} // namespace

void log_to_stderr(LogLevel threshold)
{
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
    write(spdlog::level::debug, event, fields);
}
void log_info(std::string_view event, std::initializer_list<LogField> fields)
{
    write(spdlog::level::info, event, fields);
}
void log_warn(std::string_view event, std::initializer_list<LogField> fields)
{
    write(spdlog::level::warn, event, fields);
}
void log_error(std::string_view event, std::initializer_list<LogField> fields)
{
    write(spdlog::level::err, event, fields);
}

} // namespace adit
