// base/secret_text.h - text that must not spread: a password, a header that opens a door.
#pragma once

#include <iosfwd>
#include <sodium.h>
#include <string>

namespace adit {

/// As SecretBytes, of any length.
class SecretText {
public:
    SecretText() = default;
    /// Takes the text out of `text`, which is wiped too.
    explicit SecretText(std::string&& text) : text_(text) { wipe(text); }
    SecretText(SecretText&& other) noexcept { swap(other); }
    SecretText& operator=(SecretText&& other) noexcept
    {
        if (this != &other) {
            wipe(text_);
            swap(other);
        }
        return *this;
    }
    SecretText(const SecretText&) = delete;
    SecretText& operator=(const SecretText&) = delete;
    ~SecretText() { wipe(text_); }

    bool empty() const { return text_.empty(); }
    /// The one word to search for in a review. Ends with a zero.
    const std::string& expose() const { return text_; }

    /// Overwrites a text that was a secret and empties it.
    static void wipe(std::string& text)
    {
        text.resize(text.capacity()); // short texts stand inside the object, and their neighbours may be older ones
        sodium_memzero(text.data(), text.size());
        text.clear();
    }

private:
    void swap(SecretText& other) noexcept
    {
        text_.swap(other.text_); // of short texts this copies, so the other side is wiped as well
        wipe(other.text_);
    }
    std::string text_;
};

std::ostream& operator<<(std::ostream&, const SecretText&) = delete;

} // namespace adit
