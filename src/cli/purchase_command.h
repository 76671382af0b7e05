// cli/purchase_command.h - a purchase file in the hands of a user: going on with it, and showing what is in it.
#pragma once

#include "cli/terminal.h"

#include <filesystem>
#include <string>
#include <utility>

namespace adit::cli {

struct Showing {
    std::optional<std::filesystem::path> out; // the config goes there instead of to standard output
    bool qr = false;
    bool json = false;
};

/// Goes on with the record as far as it goes, and shows the end of it. Gives the exit status.
int go_on_with(const std::filesystem::path& file, Record& record, const Showing& showing, Terminal& terminal,
               const Patience& patience);
/// The same without showing: what became of it is the caller's to say. Errors: as make_payer.
Result<Buyer::Outcome> carry_on(const std::filesystem::path& file, Record& record, Terminal& terminal,
                                const Patience& patience);
/// `adit open`: what the wallet showed, for a purchase over Lightning.
int open_file(const std::filesystem::path& file, std::string_view shown, const Showing& showing, Terminal& terminal);
/// `adit redeem`.
int redeem_file(const std::filesystem::path& file, bool as_json, Terminal& terminal);
/// `adit close`.
int close_file(const std::filesystem::path& file, bool as_json, Terminal& terminal);

/// One process at a time works on a purchase file. Holds as long as it lives, or its process: what a killed one leaves
/// of it is in nobody's way. Errors: bad_step (it is held already); io.
class FileClaim {
public:
    static Result<FileClaim> take(const std::filesystem::path& file);
    FileClaim(FileClaim&& other) noexcept : fd_(std::exchange(other.fd_, -1)), lock_(std::move(other.lock_)) {}
    FileClaim& operator=(FileClaim&&) = delete;
    FileClaim(const FileClaim&) = delete;
    FileClaim& operator=(const FileClaim&) = delete;
    ~FileClaim();

private:
    FileClaim(int fd, std::string lock) : fd_(fd), lock_(std::move(lock)) {}
    int fd_;
    std::string lock_; // the file that is locked
};

} // namespace adit::cli
