// app/closings.h - a buyer ends the grants that it bought, and gets back what is unused of them. spec: Closing
#pragma once

#include "app/refunds.h"
#include "app/shop.h"
#include "http/message.h"
#include "protocol/event.h"

namespace adit::app {

/// Blocking: from workers. Thread-safe; what it refers to must outlive it.
class Closings {
public:
    struct Parts {
        const Shop& shop;
        store::Store& store;
        Refunds& refunds;
        const Clock& clock;
    };
    explicit Closings(Parts parts) : parts_(parts) {}

    /// POST /session/{id}/close. The same for whoever asks again, with this event or another one of the same key.
    http::Response serve(const http::Request& request);

private:
    Result<http::Response> run(const http::Request& request);
    Result<void> judge(const protocol::Event& event) const;
    Result<http::Response> answer(std::int64_t session, const protocol::PublicKey& key);

    const Parts parts_;
};

} // namespace adit::app
