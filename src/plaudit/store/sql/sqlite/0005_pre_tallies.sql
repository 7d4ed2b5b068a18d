-- What is counted as it happens (store/tallies.py), with what there was so far; and ways into the ledger for lists.

CREATE TABLE tallies (
  step   INTEGER NOT NULL,           -- ms: an hour or a day
  at     INTEGER NOT NULL,
  shard  INTEGER NOT NULL,
  what   TEXT NOT NULL,
  code   TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (step, at, shard, what, code)
) WITHOUT ROWID, STRICT;

INSERT INTO tallies (step, at, shard, what, code, number)
SELECT s.step, e.received_at / s.step * s.step, 0, 'event', '', count(*)
FROM (SELECT 3600000 AS step UNION ALL SELECT 86400000) s CROSS JOIN events e WHERE 1 GROUP BY 1, 2, 3, 4, 5;

INSERT INTO tallies (step, at, shard, what, code, number)
SELECT s.step, e.received_at / s.step * s.step, 0, 'order', '', count(*)
FROM (SELECT 3600000 AS step UNION ALL SELECT 86400000) s CROSS JOIN events e WHERE e.order_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5;

INSERT INTO tallies (step, at, shard, what, code, number)
SELECT s.step, d.created_at / s.step * s.step, 0, 'made', CAST(d.destination_id AS TEXT), count(*)
FROM (SELECT 3600000 AS step UNION ALL SELECT 86400000) s CROSS JOIN deliveries d WHERE 1 GROUP BY 1, 2, 3, 4, 5;

INSERT INTO tallies (step, at, shard, what, code, number)
SELECT s.step, d.updated_at / s.step * s.step, d.destination_id, 'ended', d.state, count(*)
FROM (SELECT 3600000 AS step UNION ALL SELECT 86400000) s CROSS JOIN deliveries d WHERE d.state IN ('accepted', 'refused', 'failed', 'blocked', 'uncertain') GROUP BY 1, 2, 3, 4, 5;

INSERT INTO tallies (step, at, shard, what, code, number)
SELECT s.step, f.received_at / s.step * s.step, 0, 'fate', f.code, count(*)
FROM (SELECT 3600000 AS step UNION ALL SELECT 86400000) s CROSS JOIN (
  SELECT received_at, disposition AS code FROM events WHERE disposition IS NOT NULL
  UNION ALL SELECT e.received_at, p.code FROM dispositions p JOIN events e ON e.id = p.event_id
) f GROUP BY 1, 2, 3, 4, 5;

CREATE INDEX deliveries_made ON deliveries (created_at, id);
CREATE INDEX deliveries_cancelled ON deliveries (id) WHERE state = 'cancelled';
CREATE INDEX events_disposition ON events (disposition, id) WHERE disposition IS NOT NULL;
CREATE INDEX dispositions_code ON dispositions (code, event_id);
CREATE INDEX events_order ON events (order_id) WHERE order_id IS NOT NULL;
