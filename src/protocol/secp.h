// protocol/secp.h - the process's one libsecp256k1 context. Internal to protocol and payments/cashu.
#pragma once

#include <secp256k1.h>

namespace adit::protocol {

/// Made and randomized (against side channels) on first use, never destroyed; every thread may use it for everything
/// but randomizing it again.
secp256k1_context* secp();

} // namespace adit::protocol
