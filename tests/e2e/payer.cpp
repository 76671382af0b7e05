#include "e2e/payer.h"

#include "base/clock.h"
#include "base/hash.h"

#include <poll.h>

namespace adit::e2e {

std::string path_of(const std::string& url)
{
    const auto host = url.find("://");
    return url.substr(url.find('/', host + 3));
}

Payer::Payer(Shop& at)
    : shop(at), client_key(protocol::wireguard_public_key(protocol::generate_wireguard_secret(at.rng))),
      refund_key(protocol::SecretKey::generate(at.rng).public_key())
{
}

bool Payer::ask_invoice()
{
    refusal_.clear();
    const bool taken = try_invoice();
    EXPECT_TRUE(taken || !refusal_.empty()) << "no answer at all";
    return taken;
}

bool Payer::try_invoice()
{
    const Reply offered = shop.get("/lnurlp?p=0&client_pubkey=" + encode_base64url(client_key.bytes()) +
                                   "&refund_pubkey=" + refund_key.hex());
    const auto offer = protocol::parse_pay_request(offered.body);
    if (offered.status != 200 || !offer) return false;
    if (const auto* error = std::get_if<protocol::LnurlError>(&*offer)) {
        refusal_ = error->reason;
        return false;
    }
    const auto& request = std::get<protocol::PayRequest>(*offer);
    const Reply invoiced =
        shop.get(path_of(request.callback) + "&amount=" + std::to_string(request.min_sendable.count()));
    auto invoice = protocol::parse_pay_answer(invoiced.body);
    if (invoiced.status != 200 || !invoice) return false;
    if (const auto* error = std::get_if<protocol::LnurlError>(&*invoice)) {
        refusal_ = error->reason;
        return false;
    }
    answer = std::move(std::get<protocol::PayAnswer>(*invoice));
    const auto bolt11 = must(payments::lightning::parse_bolt11(answer.pr));
    EXPECT_EQ(bolt11.amount, request.min_sendable);
    EXPECT_EQ(bolt11.description_hash, sha256(as_bytes(request.metadata)));
    EXPECT_TRUE(answer.action.has_value());
    EXPECT_TRUE(answer.verify.has_value());
    hash = bolt11.payment_hash;
    return true;
}

bool Payer::pay()
{
    const auto payment = shop.world->pay(answer.pr);
    if (payment.preimage) {
        ByteArray<32> bytes{};
        std::ranges::copy(*payment.preimage, bytes.begin());
        preimage_.emplace(bytes);
    }
    return !payment.refusal;
}

protocol::VerifyAnswer Payer::verify() const
{
    auto said = must(protocol::parse_verify_answer(shop.get(path_of(answer.verify.value_or("/"))).body));
    auto* verified = std::get_if<protocol::VerifyAnswer>(&said);
    EXPECT_NE(verified, nullptr);
    return verified ? std::move(*verified) : protocol::VerifyAnswer{};
}

bool Payer::until_settled(Milliseconds patience)
{
    return fakes::eventually(patience, [&] {
        auto said = verify();
        if (!said.settled) return false;
        EXPECT_TRUE(said.preimage && sha256(said.preimage->expose()) == hash);
        preimage_ = std::move(said.preimage);
        return true;
    });
}

std::string Payer::plaintext() const
{
    EXPECT_TRUE(preimage_.has_value()) << "nothing was paid for yet";
    if (!preimage_) return "";
    return must(protocol::config_of_plaintext(must(protocol::open_aes(*preimage_, *answer.action))));
}

protocol::ClientConfig Payer::config() const { return must(protocol::parse_config(plaintext())); }

std::string Payer::session_path() const
{
    const std::string text = plaintext();
    const auto at = text.find("/session/");
    EXPECT_NE(at, std::string::npos) << "the config names no page";
    return text.substr(at, text.find('\n', at) - at);
}

} // namespace adit::e2e
