-- What attempts sent and what came back: kept as long as events are.

CREATE TABLE exchanges (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,          -- when the attempt ended
  content BLOB NOT NULL              -- destinations/exchange.py, JSON: no secret, nothing of a customer
) STRICT;

-- Of a page, all attempts share one. Null: there was none to keep.
ALTER TABLE attempts ADD COLUMN exchange_id INTEGER;
