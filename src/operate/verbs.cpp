#include "operate/verbs.h"

#include <array>

namespace adit::operate {

std::span<const cli::Verb> verbs()
{
    static const std::array all{kCheck, kDiagnose, kInit, kMigrate};
    return all;
}

} // namespace adit::operate
