-- Movements of the wallet's own money. Their intentions stand beside those of purchases: a swap is of a purchase or of
-- a transfer.

CREATE TABLE transfers (
    id BIGINT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    mint TEXT NOT NULL,
    amount_sat BIGINT NOT NULL,
    max_fee_sat BIGINT,
    lock_key TEXT,
    address TEXT,
    invoice TEXT,
    payment_hash TEXT,
    quote TEXT,
    fee_reserve_sat BIGINT NOT NULL,
    purchase BIGINT REFERENCES purchases (id),
    reference TEXT,
    sender TEXT,
    told BIGINT NOT NULL DEFAULT 0,
    created_at_s BIGINT NOT NULL,
    state_since_s BIGINT NOT NULL,
    fee_sat BIGINT,
    token TEXT,
    preimage TEXT,
    failed_because TEXT
);
CREATE UNIQUE INDEX transfers_reference ON transfers (reference) WHERE state <> 'failed' AND reference IS NOT NULL;
CREATE UNIQUE INDEX transfers_payment_hash ON transfers (payment_hash) WHERE state <> 'failed' AND payment_hash IS NOT NULL;
CREATE INDEX transfers_open ON transfers (id) WHERE state IN ('swapping', 'splitting', 'paying');
-- Redeemed, and the relays do not know yet.
CREATE INDEX transfers_untold ON transfers (id) WHERE kind = 'nutzap' AND state = 'done' AND told = 0;
INSERT INTO sequences (name, next) VALUES ('transfer', 1);

ALTER TABLE swap_outputs RENAME TO swap_outputs_before;
ALTER TABLE swaps RENAME TO swaps_before;
DROP INDEX swap_outputs_counter;
DROP INDEX swaps_purchase;

CREATE TABLE swaps (
    id BIGINT PRIMARY KEY NOT NULL,
    purchase BIGINT REFERENCES purchases (id),
    transfer BIGINT REFERENCES transfers (id),
    purpose TEXT NOT NULL,
    mint TEXT NOT NULL,
    body TEXT NOT NULL,
    inputs TEXT NOT NULL,
    created_at_s BIGINT NOT NULL
);
INSERT INTO swaps (id, purchase, purpose, mint, body, inputs, created_at_s)
    SELECT id, purchase, purpose, mint, body, inputs, created_at_s FROM swaps_before;
CREATE INDEX swaps_purchase ON swaps (purchase) WHERE purchase IS NOT NULL;
CREATE INDEX swaps_transfer ON swaps (transfer) WHERE transfer IS NOT NULL;

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
INSERT INTO swap_outputs (swap, position, owner, keyset, amount_sat, b, secret, r, counter)
    SELECT swap, position, owner, keyset, amount_sat, b, secret, r, counter FROM swap_outputs_before;
-- Two swaps with the same deterministic output would each take the other's signature for their own.
CREATE UNIQUE INDEX swap_outputs_counter ON swap_outputs (keyset, counter) WHERE counter IS NOT NULL;

DROP TABLE swap_outputs_before;
DROP TABLE swaps_before;

-- The transfer that brought a proof, and the one that has taken it: `moving` until the outcome is known.
ALTER TABLE wallet_proofs ADD COLUMN transfer BIGINT REFERENCES transfers (id);
ALTER TABLE wallet_proofs ADD COLUMN taken_by BIGINT REFERENCES transfers (id);
CREATE INDEX wallet_proofs_transfer ON wallet_proofs (transfer) WHERE transfer IS NOT NULL;
CREATE INDEX wallet_proofs_taken_by ON wallet_proofs (taken_by) WHERE taken_by IS NOT NULL;
