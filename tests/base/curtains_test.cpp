#include "base/curtains.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace adit {
namespace {

bool all_is_closed()
{
    rlimit core{1, 1};
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return ::prctl(PR_GET_DUMPABLE) == 0 && ::getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0 && mask == 077;
}

TEST(CurtainsDeathTest, NoDumpNoReaderAndNoFileForOthersAreLeft)
{
    ASSERT_FALSE(all_is_closed()) << "or the test proves nothing";
    EXPECT_EXIT(
        {
            close_the_curtains();
            ::_exit(all_is_closed() ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
}

} // namespace
} // namespace adit
