-- What a ledger that has been at work for long holds beside accepted invitations, and what the overview counts.

-- name: some_failed
-- A few in each of the states that wait for somebody, all of them at its far end.
UPDATE deliveries SET
  state = CASE WHEN id % 3 = 0 THEN 'failed' WHEN id % 3 = 1 THEN 'refused' ELSE 'uncertain' END,
  reason = CASE WHEN id % 3 = 0 THEN 'server_error' WHEN id % 3 = 1 THEN 'refused' ELSE 'no_answer' END
WHERE id < :stored / 100;

-- name: some_twice
-- Orders that came twice.
UPDATE dispositions SET code = 'duplicate_order' WHERE delivery_id IN (SELECT id FROM deliveries WHERE id % 1000 = 7);

-- name: tallies
-- What is counted by the hour and by the day: every kind in every hour of a month, every day of a year.
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 719),
  steps (step) AS (VALUES (3600000), (86400000)),
  kinds (what, code) AS (
    VALUES ('event', ''), ('order', ''), ('made', '1'), ('fate', 'invited'), ('fate', 'duplicate_order'),
      ('fate', 'MESSAGE_REJECTED'), ('ended', 'accepted'), ('ended', 'failed'), ('ended', 'refused')
    UNION ALL SELECT 'took', CAST(i AS TEXT) FROM n WHERE i BETWEEN 20 AND 100
  )
INSERT OR IGNORE INTO tallies (step, at, shard, what, code, number)
SELECT step, :now / step * step - i * step, 1, what, code, 1 + :stored / 1000 FROM n, steps, kinds;

-- name: order
SELECT key FROM deliveries WHERE id = :stored / 2;
