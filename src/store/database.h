// store/database.h - one SQLite connection: statements prepared once, typed in and out, failures as Result.
// Used by one thread at a time. SQL texts must live as long as the program (string literals): they are the cache's
// keys.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace adit::store {

/// A value for $1…$n. Borrows text until the call that it is given to returns.
class Param {
public:
    Param(std::int64_t value) : kind_(Kind::integer), integer_(value) {}
    Param(UnixSeconds value) : Param(value.count()) {}
    Param(std::string_view value) : kind_(Kind::text), text_(value) {}
    Param(const std::string& value) : Param(std::string_view(value)) {}
    Param(const char* value) : Param(std::string_view(value)) {}
    template<typename T>
    Param(const std::optional<T>& value) : Param()
    {
        if (value) *this = Param(*value);
    }
    Param(bool) = delete; // a column is never a bool: say 0 or 1

private:
    friend class Database;
    enum class Kind { null, integer, text };
    Param() = default;
    Kind kind_ = Kind::null;
    std::int64_t integer_ = 0;
    std::string_view text_;
};

/// One row of an answer, read from the first column to the last. Text is borrowed until the next row.
class Row {
public:
    std::int64_t integer();
    std::string_view text();
    std::optional<std::int64_t> maybe_integer();
    std::optional<std::string_view> maybe_text();
    UnixSeconds time() { return UnixSeconds(integer()); }
    std::optional<UnixSeconds> maybe_time();

private:
    friend class Database;
    explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
    sqlite3_stmt* statement_;
    int column_ = 0;
};

/// Errors of every call: bad_step (a constraint of the schema stands against it), store_unavailable (all else).
class Database {
public:
    /// The file must exist. Errors: store_unavailable.
    static Result<Database> open(const std::filesystem::path& path);
    Database(Database&&) noexcept;
    Database& operator=(Database&&) noexcept;
    ~Database();

    /// Any number of statements without parameters, not cached.
    Result<void> execute(const std::string& script);
    /// One statement. Gives how many rows it changed.
    Result<std::int64_t> run(std::string_view sql, std::initializer_list<Param> params = {});
    /// Calls `on_row` for each row; its first failure is the answer.
    Result<void> each(std::string_view sql, std::initializer_list<Param> params,
                      const std::function<Result<void>(Row&)>& on_row);
    /// What `read` makes of the first row; none where there is no row.
    template<typename Read>
    auto first(std::string_view sql, std::initializer_list<Param> params, Read read)
        -> Result<std::optional<typename decltype(read(std::declval<Row&>()))::value_type>>
    {
        std::optional<typename decltype(read(std::declval<Row&>()))::value_type> found;
        TRY(each(sql, params, [&](Row& row) -> Result<void> {
            if (!found) found = TRY(read(row));
            return {};
        }));
        return found;
    }
    /// The first column of the first row.
    Result<std::optional<std::int64_t>> number(std::string_view sql, std::initializer_list<Param> params = {});

    /// Rows changed since the connection was opened, those rolled back included.
    std::int64_t total_changes() const;
    /// False outside of transactions, and when a failure made SQLite give the transaction up.
    bool in_transaction() const;
    bool read_only() const;

private:
    struct Connection;
    explicit Database(std::unique_ptr<Connection> connection);
    Result<sqlite3_stmt*> prepare(std::string_view sql);
    Result<sqlite3_stmt*> bind(std::string_view sql, std::initializer_list<Param> params);
    std::unique_ptr<Connection> connection_;
};

} // namespace adit::store
