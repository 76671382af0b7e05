-- The table of sessions as europa-node makes it. Times are unix seconds; a session is one unit of one tier.
PRAGMA journal_mode = WAL;
CREATE TABLE sessions (
    session_id TEXT PRIMARY KEY,
    protocol TEXT NOT NULL,
    client_identity TEXT NOT NULL,
    assigned_ip TEXT NOT NULL,
    purchased_at INTEGER NOT NULL,
    expires_at INTEGER,
    data_quota_bytes INTEGER,
    data_used_bytes INTEGER NOT NULL DEFAULT 0,
    price_amount REAL NOT NULL,
    price_currency TEXT NOT NULL,
    price_unit TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    status TEXT NOT NULL,
    last_rx_counter INTEGER NOT NULL DEFAULT 0,
    last_tx_counter INTEGER NOT NULL DEFAULT 0,
    payment_hash TEXT,
    listing_d_tag TEXT NOT NULL
);
CREATE INDEX sessions_by_status ON sessions (status);
CREATE UNIQUE INDEX sessions_by_ip ON sessions (assigned_ip) WHERE status IN ('pending', 'active');
