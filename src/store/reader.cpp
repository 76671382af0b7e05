#include "store/reader.h"

namespace adit::store {

Result<void> Reader::run(const Step& step)
{
    const std::lock_guard lock(one_at_a_time_);
    TRY(database_.run("BEGIN"));
    Result<void> outcome = step(database_);
    if (database_.in_transaction()) TRY(database_.run("ROLLBACK"));
    return outcome;
}

} // namespace adit::store
