-- Money for what was unused of grants that ended early: owed to one key until there is a token, which stays for whoever
-- asks again. The purchases say which refund they went into, and what was left of them, in seconds or bytes.

CREATE TABLE refunds (
    id BIGINT PRIMARY KEY NOT NULL,
    session BIGINT NOT NULL REFERENCES sessions (id),
    lock_key TEXT NOT NULL,
    mint TEXT,
    amount_sat BIGINT NOT NULL,
    closed_by TEXT NOT NULL,
    created_at_s BIGINT NOT NULL,
    settled_at_s BIGINT,
    token TEXT
);
CREATE INDEX refunds_session ON refunds (session);
CREATE INDEX refunds_owed ON refunds (id) WHERE settled_at_s IS NULL;
INSERT INTO sequences (name, next) VALUES ('refund', 1);

ALTER TABLE purchases ADD COLUMN unused_refund BIGINT REFERENCES refunds (id);
ALTER TABLE purchases ADD COLUMN unused_amount BIGINT;
CREATE INDEX purchases_unused_refund ON purchases (unused_refund) WHERE unused_refund IS NOT NULL;
