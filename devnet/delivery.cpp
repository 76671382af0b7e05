#include "devnet/delivery.h"

namespace adit::devnet {
namespace {

constexpr std::string_view kPage = "<html><body>502 Bad Gateway</body></html>";

} // namespace

bool acts(const std::optional<Fault>& fault)
{
    if (!fault || fault->moment == FaultMoment::after) return true;
    switch (fault->act) {
    case FaultAct::delay:
    case FaultAct::pending:
    case FaultAct::lose_change:
    case FaultAct::lie_bad_signature:
    case FaultAct::lie_other_event:
    case FaultAct::require_auth:
        return true;
    case FaultAct::drop:
    case FaultAct::cut:
    case FaultAct::hang:
    case FaultAct::status:
    case FaultAct::not_json:
    case FaultAct::reject:
        return false;
    }
    return true;
}

Outcome spoilt(const std::optional<Fault>& fault, HttpAnswer answer, HttpAnswer rejection)
{
    if (!fault) return {Delivery::whole, std::move(answer)};
    switch (fault->act) {
    case FaultAct::drop:
        return {Delivery::dropped, {}};
    case FaultAct::hang:
        return {Delivery::never, {}};
    case FaultAct::cut:
        if (!acts(fault)) answer = {200, std::string(kPage)};
        return {Delivery::cut, std::move(answer)};
    case FaultAct::status:
        return {Delivery::whole, {fault->status, fault->body}};
    case FaultAct::not_json:
        return {Delivery::whole, {200, std::string(kPage), "text/html"}};
    case FaultAct::reject:
        return {Delivery::whole, std::move(rejection)};
    case FaultAct::delay:
    case FaultAct::pending:
    case FaultAct::lose_change:
    case FaultAct::lie_bad_signature:
    case FaultAct::lie_other_event:
    case FaultAct::require_auth:
        break;
    }
    return {Delivery::whole, std::move(answer)};
}

} // namespace adit::devnet
