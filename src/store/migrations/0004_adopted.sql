-- Purchases that another program sold and whose sessions go on here, by its own name for them: none is taken twice.

CREATE TABLE adopted (
    origin TEXT PRIMARY KEY NOT NULL,
    purchase BIGINT NOT NULL REFERENCES purchases (id)
);
