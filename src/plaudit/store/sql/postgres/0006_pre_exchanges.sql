-- What attempts sent and what came back: kept as long as events are.

CREATE SEQUENCE exchange_ids;

CREATE TABLE exchanges (
  id      bigint PRIMARY KEY,
  at      bigint NOT NULL,           -- when the attempt ended
  content text NOT NULL              -- destinations/exchange.py, JSON: no secret, nothing of a customer
);

ALTER SEQUENCE exchange_ids OWNED BY exchanges.id;

-- Of a page, all attempts share one. Null: there was none to keep.
ALTER TABLE attempts ADD COLUMN exchange_id bigint;
