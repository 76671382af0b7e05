// store/reader.h - a second connection, for reads: they see what is durable, and wait for nobody's sync.
#pragma once

#include "store/database.h"

#include <functional>
#include <mutex>

namespace adit::store {

class Reader {
public:
    using Step = std::function<Result<void>(Database&)>;

    explicit Reader(Database database) : database_(std::move(database)) {}

    /// Any thread; one step at a time. It sees one moment, with every step of the writer that was answered before.
    /// Errors: the step's; store_unavailable.
    Result<void> run(const Step& step);

private:
    std::mutex one_at_a_time_;
    Database database_;
};

} // namespace adit::store
