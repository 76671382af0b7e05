// payments/cashu/secp_point.h - between Point and libsecp256k1's own form. Internal to this folder.
#pragma once

#include "payments/cashu/proof.h"

#include <secp256k1.h>

namespace adit::payments::cashu {

struct SecpPoint {
    static secp256k1_pubkey load(const Point& point);
    static Point save(const secp256k1_pubkey& pubkey);
    static ByteArray<65> uncompressed(const Point& point);
};

} // namespace adit::payments::cashu
