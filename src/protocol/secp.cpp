#include "protocol/secp.h"

#include "base/check.h"
#include "base/rng.h"

namespace adit::protocol {

namespace {

secp256k1_context* make_context()
{
    secp256k1_context* const context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    CHECK(context != nullptr);
    const SecretBytes<32> seed = system_rng().secret<32>();
    CHECK(secp256k1_context_randomize(context, seed.expose().data()) == 1);
    return context;
}

} // namespace

secp256k1_context* secp()
{
    static secp256k1_context* const context = make_context();
    return context;
}

} // namespace adit::protocol
