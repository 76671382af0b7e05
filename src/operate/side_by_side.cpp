#include "operate/side_by_side.h"

#include <system_error>
#include <thread>

namespace adit::operate {

void SideBySide::begin(std::string check, Look look)
{
    std::size_t place = 0;
    {
        const std::lock_guard lock(board_->mutex);
        place = board_->looks.size();
        board_->looks.emplace_back(std::move(check), std::nullopt);
        ++board_->running;
    }
    const auto run = [board = board_, place, look = std::move(look)] {
        Findings found = look();
        const std::lock_guard lock(board->mutex);
        board->looks[place].second = std::move(found);
        --board->running;
        board->changed.notify_all();
    };
    try {
        std::thread(run).detach();
    } catch (const std::system_error&) {
        run(); // one after the other, then
    }
}

Findings SideBySide::wait(Milliseconds at_most)
{
    std::unique_lock lock(board_->mutex);
    board_->changed.wait_for(lock, at_most, [&] { return board_->running == 0; });
    Findings all;
    for (auto& [check, found] : board_->looks) {
        if (found)
            all.insert(all.end(), found->begin(), found->end());
        else
            all.push_back({check, Level::warn,
                           "not done after " + std::to_string(at_most.count() / 1000) + " s, and no longer waited for",
                           "something it asks hangs: a name server, most often. Run it again"});
    }
    return all;
}

bool SideBySide::all_done() const
{
    const std::lock_guard lock(board_->mutex);
    return board_->running == 0;
}

} // namespace adit::operate
