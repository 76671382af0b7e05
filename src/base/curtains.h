// base/curtains.h - what a process with keys and money in its memory does before anything else.
#pragma once

namespace adit {

/// No core dumps, no reading by other processes of the same user, no files for others (umask 077).
void close_the_curtains();

} // namespace adit
