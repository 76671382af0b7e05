// app/session_commands.h - what the operator asks at the admin socket about single sessions: a list, one of them, more
// time, the end. spec: Admin socket
#pragma once

#include "app/admin.h"
#include "app/gifts.h"
#include "app/refunds.h"

namespace adit::app {

struct SessionDesk {
    const Shop& shop;
    store::Store& store;
    Tunnels& tunnels;
    Gifts& gifts;
    Refunds* refunds; // nullptr: no ecash was ever taken, so there is nothing to pay with
    const Clock& clock;
};

/// list-sessions, show-session, extend-session, revoke-session, refund-session, grant. What the desk refers to must
/// outlive them.
AdminCommands session_commands(const SessionDesk& desk);

} // namespace adit::app
