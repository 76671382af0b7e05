// devnet/either.h - a value, or what is answered instead. Works with TRY as Result does.
#pragma once

#include "base/check.h"

#include <utility>
#include <variant>

namespace adit::devnet {

template<typename T, typename Refused>
class [[nodiscard]] Either {
public:
    Either(T value) : side_(std::in_place_index<0>, std::move(value)) {}
    Either(Refused refused) : side_(std::in_place_index<1>, std::move(refused)) {}

    bool has_value() const { return side_.index() == 0; }
    T value() &&
    {
        CHECK(has_value());
        return std::move(*std::get_if<0>(&side_));
    }
    Refused error() &&
    {
        CHECK(!has_value());
        return std::move(*std::get_if<1>(&side_));
    }

private:
    std::variant<T, Refused> side_;
};

} // namespace adit::devnet
