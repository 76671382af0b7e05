-- How fast a purchase's tunnel may be, in 10^6 bits per second; 0 for no limit. The segments of a session say it too, of
-- those that have one.

ALTER TABLE purchases ADD COLUMN max_mbps BIGINT NOT NULL DEFAULT 0;
