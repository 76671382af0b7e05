#include "operate/verbs.h"

namespace adit::operate {

std::span<const cli::Verb> verbs() { return {}; }

} // namespace adit::operate
