// payments/cashu/bip39_words.h - data for bip39.cpp.
#pragma once

#include <array>
#include <string_view>

namespace adit::payments::cashu {

extern const std::array<std::string_view, 2048> kBip39English;

} // namespace adit::payments::cashu
