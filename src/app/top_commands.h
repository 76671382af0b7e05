// app/top_commands.h - what `adit top` asks at the admin socket: how the shop stands, in one answer. spec: Admin socket
#pragma once

#include "app/shop_reading.h"

namespace adit::app {

/// top. What the desk refers to must outlive it.
AdminCommands top_commands(const ReadingDesk& desk);

} // namespace adit::app
