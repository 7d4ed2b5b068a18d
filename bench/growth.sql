-- An installation that has been at work for long, made without doing the work. Keys are as spread as real ones.

-- name: source
SELECT id FROM sources WHERE name = 'bench';

-- name: destination
SELECT id FROM destinations WHERE name = 'trustpilot';

-- name: events
-- One event an entry of the log, from one position to another (spec/envelope.py: event_id).
WITH RECURSIVE n (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM n WHERE n < :last)
INSERT INTO events (id, source_id, message_id, type, name, received_at, timestamp, order_id, disposition, detail, first)
SELECT n * :step, :source, 'bench-' || lower(hex(randomblob(16))), 'track', 'Order Completed', :now + n, :now + n,
  'order-' || lower(hex(randomblob(16))), NULL, NULL, 1
FROM n;

-- name: deliveries
-- Each of them was invited for.
INSERT INTO deliveries (id, destination_id, what, key, source_id, event_id, payload, recipient, state, reason, message,
  attempts, created_at, due_at, first_attempt_at, updated_at)
SELECT e.id / :step, :destination, 'invitation', e.order_id, :source, e.id,
  CAST(replace(:payload, 'ORDER_ID', e.order_id) AS BLOB), abs(random()), 'accepted', 'accepted', '', 1,
  e.received_at, e.received_at, e.received_at, e.received_at
FROM events e WHERE e.id >= :first * :step AND e.id <= :last * :step;

-- name: attempts
INSERT INTO attempts (delivery_id, number, started_at, finished_at, outcome, reason, message, status)
SELECT id, 1, created_at, updated_at, 'accepted', 'accepted', '', 201
FROM deliveries WHERE id >= :first AND id <= :last;

-- name: dispositions
INSERT INTO dispositions (event_id, destination_id, code, detail, delivery_id)
SELECT event_id, destination_id, 'invited', NULL, id FROM deliveries WHERE id >= :first AND id <= :last;

-- name: cursor
-- All of it has been processed.
INSERT INTO cursors (reader, partition, position) VALUES ('process', 0, :last)
ON CONFLICT (reader, partition) DO UPDATE SET position = excluded.position;
