// payments/lightning/open_backend.h - the backend that the operator's config names.
#pragma once

#include "base/secret_text.h"
#include "payments/lightning/backend.h"
#include "payments/lightning/node_http.h"

#include <filesystem>
#include <memory>

namespace adit::payments::lightning {

enum class BackendKind { phoenixd, lnd };

struct BackendOptions {
    BackendKind kind = BackendKind::phoenixd;
    /// phoenixd: http (its own way, which belongs on the loopback interface: the password and unpaid preimages pass in
    /// the clear) or https. LND: https only.
    std::string base_url;
    SecretText password = {};                 // phoenixd: http-password-limited-access
    std::filesystem::path macaroon_file = {}; // lnd: as LND writes it, or its hex
    std::filesystem::path tls_cert_file = {}; // PEM, the only certificates trusted; empty: the system's
    bool hold = false;                        // lnd: hold invoices
    Milliseconds timeout{10'000};             // of each act
};

/// What calls to it take: address, header and certificate. Reads the files; asks the node nothing. Errors: bad_config.
Result<NodeAccess> node_access(const BackendOptions& options);

/// Reads the files; asks the node nothing. Errors: bad_config (in words for the operator; no secret is repeated).
Result<std::unique_ptr<Backend>> open_backend(BackendOptions options);

} // namespace adit::payments::lightning
