// cli/record_reader.h - looking into a purchase file, which may have been cut, or edited by its owner. Internal to the
// .cpp files that read one.
#pragma once

#include "base/time.h"
#include "protocol/json_fields.h"

#include <limits>
#include <optional>
#include <string>

namespace adit::cli {

inline Error damaged(std::string_view what)
{
    return Error{Reason::bad_encoding, "not a purchase file of adit, or a damaged one: " + std::string(what)};
}

/// Looks members up, and remembers the first that is not there or not what it should be.
class RecordReader {
public:
    explicit RecordReader(const nlohmann::json& object) : object_(object) {}

    std::string text(const char* name)
    {
        const std::string* found = protocol::text_member(object_, name);
        if (!found) note(name);
        return found ? *found : std::string();
    }
    std::optional<std::string> optional_text(const char* name)
    {
        if (!protocol::member(object_, name)) return std::nullopt;
        return text(name);
    }
    std::uint64_t number(const char* name, std::uint64_t max = std::numeric_limits<std::uint64_t>::max())
    {
        const nlohmann::json* found = protocol::member(object_, name);
        const auto value = found ? protocol::whole_number(*found, max) : std::nullopt;
        if (!value) note(name);
        return value.value_or(0);
    }
    UnixSeconds time(const char* name)
    {
        return UnixSeconds(static_cast<std::int64_t>(number(name, std::numeric_limits<std::int64_t>::max())));
    }
    std::optional<UnixSeconds> optional_time(const char* name)
    {
        if (!protocol::member(object_, name)) return std::nullopt;
        return time(name);
    }
    bool flag(const char* name)
    {
        const nlohmann::json* found = protocol::member(object_, name);
        if (!found || !found->is_boolean()) note(name);
        return found && found->is_boolean() && found->get<bool>();
    }
    const nlohmann::json& list(const char* name)
    {
        static const nlohmann::json none = nlohmann::json::array();
        const nlohmann::json* found = protocol::member(object_, name);
        if (!found || !found->is_array()) note(name);
        return found && found->is_array() ? *found : none;
    }
    const nlohmann::json* object(const char* name) { return protocol::member(object_, name); }

    Result<void> good() const
    {
        if (wrong_) return damaged(wrong_);
        return {};
    }

private:
    void note(const char* name)
    {
        if (!wrong_) wrong_ = name;
    }
    const nlohmann::json& object_;
    const char* wrong_ = nullptr;
};

} // namespace adit::cli
