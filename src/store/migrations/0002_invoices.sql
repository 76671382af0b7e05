-- What is paid for by Lightning: an invoice of ours, and what the config in its success action promised. The preimage
-- opens that config, so it goes with the client key.

CREATE TABLE invoices (
    purchase BIGINT PRIMARY KEY NOT NULL REFERENCES purchases (id),
    payment_hash TEXT NOT NULL UNIQUE,
    preimage TEXT,
    bolt11 TEXT NOT NULL,
    holds BIGINT NOT NULL,
    expires_at_s BIGINT NOT NULL,
    address TEXT NOT NULL,
    address6 TEXT,
    preshared_key TEXT,
    capability TEXT
);
CREATE INDEX invoices_capability ON invoices (capability) WHERE capability IS NOT NULL;
