// base/result.h - a value or the reason why there is none. Member names follow std::expected. ADR 0001.
#pragma once

#include "base/check.h"
#include "base/reason.h"

#include <string>
#include <utility>
#include <variant>

namespace adit {

/// `detail` is for the log and for the operator, never for the wire, and never carries a secret.
struct Error {
    Reason reason;
    std::string detail = {};
};

/// Ignoring one does not compile; reading the side that is not there ends the process.
template<typename T>
class [[nodiscard]] Result {
public:
    using value_type = T;

    Result(T value) : side_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : side_(std::in_place_index<1>, std::move(error)) {}

    bool has_value() const { return side_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    T& value() &
    {
        CHECK(has_value());
        return *std::get_if<0>(&side_);
    }
    const T& value() const&
    {
        CHECK(has_value());
        return *std::get_if<0>(&side_);
    }
    T&& value() &&
    {
        CHECK(has_value());
        return std::move(*std::get_if<0>(&side_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    T value_or(T other) && { return has_value() ? std::move(*this).value() : std::move(other); }

    const Error& error() const&
    {
        CHECK(!has_value());
        return *std::get_if<1>(&side_);
    }
    Error&& error() &&
    {
        CHECK(!has_value());
        return std::move(*std::get_if<1>(&side_));
    }

private:
    std::variant<T, Error> side_;
};

template<>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;

    Result() = default;
    Result(Error error) : error_(std::in_place_index<1>, std::move(error)) {}

    bool has_value() const { return error_.index() == 0; }
    explicit operator bool() const { return has_value(); }
    void value() const { CHECK(has_value()); }

    const Error& error() const&
    {
        CHECK(!has_value());
        return *std::get_if<1>(&error_);
    }
    Error&& error() &&
    {
        CHECK(!has_value());
        return std::move(*std::get_if<1>(&error_));
    }

private:
    std::variant<std::monostate, Error> error_;
};

} // namespace adit

/// The value of `expr`, or the return of its Error from the enclosing function. Each use has a name of its own, so that
/// one may stand inside another.
#define TRY(expr) ADIT_TRY(expr, __COUNTER__)
#define ADIT_TRY(expr, number) ADIT_TRY_AS(expr, ADIT_TRY_NAME(try_result_, number))
#define ADIT_TRY_NAME(name, number) name##number
#define ADIT_TRY_AS(expr, result)                                                                                      \
    __extension__({                                                                                                    \
        auto result = (expr);                                                                                          \
        if (!result.has_value()) return std::move(result).error();                                                     \
        std::move(result).value();                                                                                     \
    })
