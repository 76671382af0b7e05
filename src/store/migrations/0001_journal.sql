-- The first schema. One text for SQLite and PostgreSQL: BIGINT and TEXT only; sat, unix seconds, bytes, hex, states as
-- words. A `client` is the keyed hash of a WireGuard key: it stays when the key itself has been wiped.

CREATE TABLE facts (
    name TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- The next row number of each kind; never reused, so that a number in an old log line means one thing.
CREATE TABLE sequences (
    name TEXT PRIMARY KEY NOT NULL,
    next BIGINT NOT NULL
);
INSERT INTO sequences (name, next) VALUES ('purchase', 1), ('swap', 1), ('session', 1), ('proof', 1), ('outbox', 1);

-- An address belongs to a client, shared by its purchases and its session, until it has rested.
CREATE TABLE leases (
    client TEXT PRIMARY KEY NOT NULL,
    address TEXT NOT NULL UNIQUE,
    address6 TEXT UNIQUE,
    preshared_key TEXT,
    rests_until_s BIGINT
);
CREATE INDEX leases_resting ON leases (rests_until_s) WHERE rests_until_s IS NOT NULL;

CREATE TABLE sessions (
    id BIGINT PRIMARY KEY NOT NULL,
    capability TEXT NOT NULL UNIQUE,
    client TEXT NOT NULL,
    client_key TEXT,
    live BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    segments TEXT NOT NULL,
    first_buyer TEXT,
    created_at_s BIGINT NOT NULL,
    ended_at_s BIGINT,
    last_received_bytes BIGINT NOT NULL,
    last_sent_bytes BIGINT NOT NULL
);
CREATE INDEX sessions_client ON sessions (client);
CREATE UNIQUE INDEX sessions_live ON sessions (client) WHERE live = 1;
CREATE INDEX sessions_to_wipe ON sessions (ended_at_s) WHERE live = 0 AND client_key IS NOT NULL;

CREATE TABLE purchases (
    id BIGINT PRIMARY KEY NOT NULL,
    state TEXT NOT NULL,
    method TEXT NOT NULL,
    event_id TEXT,
    auth_key TEXT,
    refund_key TEXT,
    client TEXT NOT NULL,
    client_key TEXT,
    listing TEXT NOT NULL,
    tier_amount TEXT NOT NULL,
    tier_unit TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    grant_class TEXT NOT NULL,
    grant_amount BIGINT NOT NULL,
    price_sat BIGINT NOT NULL,
    paid_sat BIGINT NOT NULL,
    mint TEXT,
    holds_lease BIGINT NOT NULL,
    created_at_s BIGINT NOT NULL,
    state_since_s BIGINT NOT NULL,
    released_because TEXT,
    change_token TEXT,
    refund_token TEXT,
    activated_at_s BIGINT,
    expires_at_s BIGINT,
    session BIGINT REFERENCES sessions (id)
);
CREATE UNIQUE INDEX purchases_event ON purchases (event_id) WHERE state <> 'released';
CREATE INDEX purchases_client ON purchases (client);
CREATE INDEX purchases_session ON purchases (session);
CREATE INDEX purchases_keyed ON purchases (state, state_since_s) WHERE client_key IS NOT NULL;

-- A proof can pay for one purchase. The rows go when the purchase is released.
CREATE TABLE claims (
    y TEXT PRIMARY KEY NOT NULL,
    purchase BIGINT NOT NULL REFERENCES purchases (id)
);
CREATE INDEX claims_purchase ON claims (purchase);

CREATE TABLE swaps (
    id BIGINT PRIMARY KEY NOT NULL,
    purchase BIGINT NOT NULL REFERENCES purchases (id),
    purpose TEXT NOT NULL,
    mint TEXT NOT NULL,
    body TEXT NOT NULL,
    inputs TEXT NOT NULL,
    created_at_s BIGINT NOT NULL
);
CREATE INDEX swaps_purchase ON swaps (purchase);

CREATE TABLE swap_outputs (
    swap BIGINT NOT NULL REFERENCES swaps (id),
    position BIGINT NOT NULL,
    owner TEXT NOT NULL,
    keyset TEXT NOT NULL,
    amount_sat BIGINT NOT NULL,
    b TEXT NOT NULL,
    secret TEXT NOT NULL,
    r TEXT NOT NULL,
    counter BIGINT,
    PRIMARY KEY (swap, position)
);
-- Two swaps with the same deterministic output would each take the other's signature for their own.
CREATE UNIQUE INDEX swap_outputs_counter ON swap_outputs (keyset, counter) WHERE counter IS NOT NULL;

CREATE TABLE counters (
    keyset TEXT PRIMARY KEY NOT NULL,
    next BIGINT NOT NULL
);

CREATE TABLE wallet_proofs (
    y TEXT PRIMARY KEY NOT NULL,
    position BIGINT NOT NULL,
    mint TEXT NOT NULL,
    keyset TEXT NOT NULL,
    amount_sat BIGINT NOT NULL,
    secret TEXT NOT NULL,
    c TEXT NOT NULL,
    witness TEXT,
    dleq_e TEXT,
    dleq_s TEXT,
    dleq_r TEXT,
    state TEXT NOT NULL,
    purchase BIGINT REFERENCES purchases (id),
    spent_by BIGINT REFERENCES purchases (id),
    token_event TEXT
);
CREATE INDEX wallet_proofs_state ON wallet_proofs (state, position);
CREATE INDEX wallet_proofs_unpublished ON wallet_proofs (position) WHERE state = 'unspent' AND token_event IS NULL;
CREATE INDEX wallet_proofs_purchase ON wallet_proofs (purchase) WHERE purchase IS NOT NULL;
CREATE INDEX wallet_proofs_spent_by ON wallet_proofs (spent_by) WHERE spent_by IS NOT NULL;
CREATE INDEX wallet_proofs_token_event ON wallet_proofs (token_event) WHERE token_event IS NOT NULL;
CREATE INDEX wallet_proofs_stale ON wallet_proofs (position) WHERE state <> 'unspent' AND token_event IS NOT NULL;

CREATE TABLE outbox (
    id TEXT PRIMARY KEY NOT NULL,
    position BIGINT NOT NULL,
    json TEXT NOT NULL,
    created_at_s BIGINT NOT NULL
);
CREATE INDEX outbox_position ON outbox (position);

CREATE TABLE outbox_settled (
    event TEXT NOT NULL REFERENCES outbox (id),
    relay TEXT NOT NULL,
    PRIMARY KEY (event, relay)
);
