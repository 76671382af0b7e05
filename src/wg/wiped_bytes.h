// wg/wiped_bytes.h - buffers that messages with keys pass through: wiped whenever their memory is given back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <sodium.h>
#include <string>
#include <vector>

namespace adit::wg {

template<typename T>
struct WipingAllocator {
    using value_type = T;
    WipingAllocator() = default;
    template<typename U>
    WipingAllocator(const WipingAllocator<U>&)
    {
    }
    T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
    void deallocate(T* memory, std::size_t count)
    {
        sodium_memzero(memory, count * sizeof(T));
        std::allocator<T>().deallocate(memory, count);
    }
    bool operator==(const WipingAllocator&) const = default;
};

/// Both the private key of the interface and preshared keys stand in a dump, so growing must not leave copies behind.
using WipedBytes = std::vector<std::uint8_t, WipingAllocator<std::uint8_t>>;
using WipedText = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

} // namespace adit::wg
