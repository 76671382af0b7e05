#include "base/clock.h"

#include <ctime>

namespace adit {

namespace {

class SystemClock final : public Clock {
public:
    UnixSeconds now() const override
    {
        return UnixSeconds(
            std::chrono::duration_cast<Seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
    }
    SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

} // namespace

Clock& system_clock()
{
    static SystemClock clock;
    return clock;
}

std::string to_iso8601(UnixSeconds time)
{
    const auto seconds = static_cast<std::time_t>(time.count());
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[sizeof "-2147483648-01-01T00:00:00Z"];
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {text, length};
}

} // namespace adit
