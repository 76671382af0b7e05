// app/config_reference.h - the schema as a page for people, docs/config.md.
#pragma once

#include <string>

namespace adit::app {

/// What `aditd --print-config-reference` prints.
std::string config_reference();

} // namespace adit::app
