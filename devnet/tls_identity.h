// devnet/tls_identity.h - a key and a certificate signed by itself, as LND makes them for its REST port.
#pragma once

#include "base/result.h"

#include <memory>
#include <string>

struct ssl_ctx_st;

namespace adit::devnet {

class TlsIdentity {
public:
    /// EC P-256; for 127.0.0.1, ::1, localhost and `host` (a numeric address); valid from an hour ago for 14 months.
    /// Errors: internal.
    static Result<TlsIdentity> make(const std::string& host);

    /// PEM: what clients pin.
    const std::string& certificate() const { return certificate_; }
    /// For servers. Lives as long as this.
    ssl_ctx_st* context() const { return context_.get(); }

private:
    struct FreeContext {
        void operator()(ssl_ctx_st* context) const;
    };
    std::string certificate_;
    std::unique_ptr<ssl_ctx_st, FreeContext> context_;
};

} // namespace adit::devnet
