#include "store/database.h"

#include <sqlite3.h>
#include <unordered_map>

namespace adit::store {

namespace {

// SQLite's messages name tables and columns, never values.
Error failure(sqlite3* handle, int code)
{
    const std::string words = handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        return {Reason::bad_step, words};
    case SQLITE_FULL:
        return {Reason::store_unavailable, "the disk is full"};
    case SQLITE_CORRUPT:
        return {Reason::store_unavailable, "the database is damaged: " + words};
    case SQLITE_NOTADB:
        return {Reason::store_unavailable, "the file is not a database"};
    default:
        return {Reason::store_unavailable, words + " (" + std::to_string(code) + ")"};
    }
}

/// Gives a statement back to the cache, whatever happened.
class Using {
public:
    explicit Using(sqlite3_stmt* statement) : statement_(statement) {}
    ~Using()
    {
        sqlite3_reset(statement_);
        sqlite3_clear_bindings(statement_); // they borrow the caller's text
    }
    Using(const Using&) = delete;
    Using& operator=(const Using&) = delete;

private:
    sqlite3_stmt* statement_;
};

} // namespace

std::int64_t Row::integer() { return sqlite3_column_int64(statement_, column_++); }

std::string_view Row::text()
{
    const int column = column_++;
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (!bytes) return {};
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::optional<std::int64_t> Row::maybe_integer()
{
    if (sqlite3_column_type(statement_, column_) != SQLITE_NULL) return integer();
    ++column_;
    return std::nullopt;
}

std::optional<std::string_view> Row::maybe_text()
{
    if (sqlite3_column_type(statement_, column_) != SQLITE_NULL) return text();
    ++column_;
    return std::nullopt;
}

std::optional<UnixSeconds> Row::maybe_time()
{
    const auto count = maybe_integer();
    if (!count) return std::nullopt;
    return UnixSeconds(*count);
}

struct Database::Connection {
    sqlite3* handle = nullptr;
    std::unordered_map<std::string_view, sqlite3_stmt*> statements;

    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection()
    {
        for (const auto& [sql, statement] : statements) sqlite3_finalize(statement);
        sqlite3_close_v2(handle);
    }
};

Database::Database(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::filesystem::path& path)
{
    auto connection = std::make_unique<Connection>();
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(path.c_str(), &connection->handle, flags, nullptr);
    if (code != SQLITE_OK) return failure(connection->handle, code);
    // Only an operator's sqlite3 shell beside us can make us wait: aditd itself is alone with its file.
    sqlite3_busy_timeout(connection->handle, 2000);
    return Database(std::move(connection));
}

Result<void> Database::execute(const std::string& script)
{
    const int code = sqlite3_exec(connection_->handle, script.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failure(connection_->handle, code);
    return {};
}

Result<sqlite3_stmt*> Database::prepare(std::string_view sql)
{
    const auto known = connection_->statements.find(sql);
    if (known != connection_->statements.end()) return known->second;
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(connection_->handle, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return failure(connection_->handle, code);
    CHECK(statement);
    // SQLite numbers $names by first appearance, PostgreSQL by their number: written in order they are the same.
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); ++i)
        CHECK(sqlite3_bind_parameter_name(statement, i) == "$" + std::to_string(i));
    connection_->statements.emplace(sql, statement);
    return statement;
}

Result<sqlite3_stmt*> Database::bind(std::string_view sql, std::initializer_list<Param> params)
{
    sqlite3_stmt* statement = TRY(prepare(sql));
    CHECK(!sqlite3_stmt_busy(statement));
    CHECK(sqlite3_bind_parameter_count(statement) == static_cast<int>(params.size()));
    int index = 0;
    for (const Param& param : params) {
        ++index;
        int code = SQLITE_OK;
        switch (param.kind_) {
        case Param::Kind::null:
            code = sqlite3_bind_null(statement, index);
            break;
        case Param::Kind::integer:
            code = sqlite3_bind_int64(statement, index, param.integer_);
            break;
        case Param::Kind::text: {
            const char* bytes = param.text_.data() ? param.text_.data() : "";
            code = sqlite3_bind_text64(statement, index, bytes, param.text_.size(), SQLITE_STATIC, SQLITE_UTF8);
            break;
        }
        }
        if (code != SQLITE_OK) {
            sqlite3_clear_bindings(statement);
            return failure(connection_->handle, code);
        }
    }
    return statement;
}

Result<std::int64_t> Database::run(std::string_view sql, std::initializer_list<Param> params)
{
    TRY(each(sql, params, [](Row&) { return Result<void>(); }));
    return static_cast<std::int64_t>(sqlite3_changes64(connection_->handle));
}

Result<void> Database::each(std::string_view sql, std::initializer_list<Param> params,
                            const std::function<Result<void>(Row&)>& on_row)
{
    sqlite3_stmt* statement = TRY(bind(sql, params));
    const Using in_use(statement);
    for (;;) {
        const int code = sqlite3_step(statement);
        if (code == SQLITE_DONE) return {};
        if (code != SQLITE_ROW) return failure(connection_->handle, code);
        Row row(statement);
        TRY(on_row(row));
    }
}

Result<std::optional<std::int64_t>> Database::number(std::string_view sql, std::initializer_list<Param> params)
{
    return first(sql, params, [](Row& row) { return Result<std::int64_t>(row.integer()); });
}

std::int64_t Database::total_changes() const { return sqlite3_total_changes64(connection_->handle); }

bool Database::in_transaction() const { return sqlite3_get_autocommit(connection_->handle) == 0; }

bool Database::read_only() const { return sqlite3_db_readonly(connection_->handle, "main") == 1; }

} // namespace adit::store
