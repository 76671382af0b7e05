#include "base/curtains.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace adit {

void close_the_curtains()
{
    ::umask(077);
    ::prctl(PR_SET_DUMPABLE, 0);
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

} // namespace adit
