// tests/fakes/europa.h - the database of europa-node, made to its schema and kept open as that daemon does.
#pragma once

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sqlite3.h>
#include <sstream>
#include <string>

namespace adit::fakes {

class EuropaBook {
public:
    using Columns = std::map<std::string, std::string>; // to SQL literals

    explicit EuropaBook(const std::filesystem::path& path, const std::string& schema = europa_schema())
    {
        EXPECT_EQ(sqlite3_open(path.c_str(), &db_), SQLITE_OK);
        run(schema);
    }
    ~EuropaBook() { sqlite3_close(db_); }
    EuropaBook(const EuropaBook&) = delete;
    EuropaBook& operator=(const EuropaBook&) = delete;

    static std::string europa_schema()
    {
        const std::ifstream file(std::string(ADIT_SOURCE) + "/tests/fakes/europa_sessions.sql");
        EXPECT_TRUE(file) << "the schema is not there";
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }
    void run(const std::string& sql)
    {
        char* wrong = nullptr;
        EXPECT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &wrong), SQLITE_OK) << (wrong ? wrong : "") << sql;
        sqlite3_free(wrong);
    }
    /// A row: one hour for 100 sat by Cashu, but for what `columns` say.
    void add(const Columns& columns)
    {
        Columns row{{"session_id", "'1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed'"},
                    {"protocol", "'wireguard'"},
                    {"assigned_ip", "'10.66.42.7'"},
                    {"price_amount", "100"},
                    {"price_currency", "'sat'"},
                    {"price_unit", "'hour'"},
                    {"payment_method", "'cashu'"},
                    {"status", "'active'"},
                    {"listing_d_tag", "'exit-1'"}};
        for (const auto& [column, value] : columns) row[column] = value;
        std::string names;
        std::string values;
        for (const auto& [column, value] : row) {
            names += (names.empty() ? "" : ", ") + column;
            values += (values.empty() ? "" : ", ") + value;
        }
        run("INSERT INTO sessions (" + names + ") VALUES (" + values + ")");
    }

private:
    sqlite3* db_ = nullptr;
};

} // namespace adit::fakes
