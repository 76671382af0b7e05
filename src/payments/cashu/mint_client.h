// payments/cashu/mint_client.h - one mint over HTTP. Every answer is a yes, a definite no, or nothing known.
#pragma once

#include "payments/cashu/keyset.h"
#include "payments/cashu/mint_json.h"
#include "payments/http_client.h"

#include <variant>

namespace adit::payments::cashu {

/// Silence, a torn answer, 5xx, 429, not JSON, a bare code: the request may or may not have been acted upon.
struct Unknown {
    Error error; // mint_unreachable
};

template<typename Yes>
using Answer = std::variant<Yes, Refusal, Unknown>;

/// Blocking: from workers only. Any thread may call at any time. Each call is one request, with no retry inside.
class MintClient {
public:
    /// `url` as normalise_mint_url gives it. `http` must outlive the client.
    MintClient(HttpClient& http, std::string url, Milliseconds timeout = Milliseconds(30'000));

    const std::string& url() const { return url_; }

    Answer<MintInfo> info();
    /// Without keys.
    Answer<std::vector<Keyset>> keysets();
    /// The keyset with this id, with keys on the curve; whether the id fits is for the caller.
    Answer<Keyset> keys(const KeysetId& id);

    /// `body` as encode_swap gave it and the journal keeps it.
    Answer<std::vector<BlindSignature>> swap(std::string_view body);
    Answer<Restored> restore(std::span<const BlindedMessage> outputs);
    /// One for each Y, in the order asked.
    Answer<std::vector<ProofState>> check_state(std::span<const Point> ys);

    Answer<MintQuote> mint_quote(Sat amount, std::string_view unit, const std::optional<Point>& pubkey = {},
                                 std::string_view description = {});
    Answer<MintQuote> mint_quote_state(std::string_view quote);
    /// `body` as encode_mint gave it.
    Answer<std::vector<BlindSignature>> mint(std::string_view body);

    /// Moves nothing. `invoice` names an amount.
    Answer<MeltQuote> melt_quote(std::string_view invoice, std::string_view unit);
    Answer<MeltQuote> melt_quote_state(std::string_view quote);
    /// `body` as encode_melt gave it and the journal keeps it.
    Answer<MeltQuote> melt(std::string_view body);

private:
    Answer<std::string> call(std::string_view name, std::string_view method, const std::string& path,
                             std::string_view body);

    HttpClient& http_;
    const std::string url_;
    const Milliseconds timeout_;
};

} // namespace adit::payments::cashu
