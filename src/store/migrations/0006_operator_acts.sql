-- What the operator did by hand, one line each: on which session and purchase, and what it gave away.

CREATE TABLE operator_acts (
    id BIGINT PRIMARY KEY NOT NULL,
    at_s BIGINT NOT NULL,
    act TEXT NOT NULL,
    session BIGINT REFERENCES sessions (id),
    purchase BIGINT REFERENCES purchases (id),
    amount_sat BIGINT,
    note TEXT NOT NULL
);
CREATE INDEX operator_acts_session ON operator_acts (session) WHERE session IS NOT NULL;
CREATE INDEX operator_acts_purchase ON operator_acts (purchase) WHERE purchase IS NOT NULL;
INSERT INTO sequences (name, next) VALUES ('act', 1);
