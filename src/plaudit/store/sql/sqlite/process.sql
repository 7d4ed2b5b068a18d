-- name: cursor
SELECT position FROM cursors WHERE reader = ? AND partition = ?;

-- name: start_cursor
INSERT INTO cursors (reader, partition, position) VALUES (?, ?, 0) ON CONFLICT DO NOTHING;

-- name: move_cursor
-- Only from where the batch was read: if another process was quicker, nothing moves and all is undone.
UPDATE cursors SET position = ? WHERE reader = ? AND partition = ? AND position = ?;

-- name: put_event
-- Of many at once; one whose message id is known already is passed over.
INSERT INTO events (id, source_id, message_id, type, name, received_at, timestamp, order_id, disposition, detail, first)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (source_id, message_id) WHERE first = 1 DO NOTHING;

-- name: events_there
-- Which of these ids are there, when some were passed over.
SELECT id FROM events WHERE id IN (SELECT value FROM json_each(?));

-- name: put_other_event
-- A duplicate, or an event that was refused: neither keeps a later one with its message id out.
INSERT INTO events (id, source_id, message_id, type, name, received_at, timestamp, order_id, disposition, detail, first)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0);

-- name: first_event
SELECT id FROM events WHERE source_id = ? AND message_id = ? AND first = 1;

-- name: replayable
-- Which of these events may be judged anew: not duplicates, not refused ones; only those with a disposition, if given.
SELECT e.id FROM events e WHERE e.id IN (SELECT value FROM json_each(:ids)) AND e.first = 1
  AND (:disposition IS NULL OR e.disposition = :disposition
    OR EXISTS (SELECT 1 FROM dispositions p WHERE p.event_id = e.id AND p.code = :disposition));

-- name: made_by
-- Where events have made their deliveries: by their dispositions, or because the delivery says so.
SELECT p.event_id, p.destination_id FROM dispositions p
LEFT JOIN deliveries d ON d.id = p.delivery_id
WHERE p.event_id IN (SELECT value FROM json_each(:ids))
  AND (p.code IN (SELECT value FROM json_each(:made)) OR d.event_id = p.event_id);

-- name: older_events
-- Events of entries below a position: those whose bodies the log has no more. An id is made in spec/envelope.py.
SELECT count(*) FROM events
WHERE id < :below AND id / 4096 % 64 = :partition AND received_at >= :since AND received_at < :until;

-- name: judge_anew
UPDATE events SET order_id = coalesce(:order_id, order_id), disposition = :disposition, detail = :detail WHERE id = :id;

-- name: put_disposition
-- A second one replaces the first: the event was judged anew.
INSERT INTO dispositions (event_id, destination_id, code, detail, delivery_id) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (event_id, destination_id) DO UPDATE SET code = excluded.code, detail = excluded.detail,
  delivery_id = excluded.delivery_id;

-- name: made_after_all
-- An event whose order had to stand back, and does no more.
UPDATE dispositions SET code = 'invited', detail = :detail, delivery_id = :id
WHERE event_id = :event_id AND destination_id = :destination_id AND code = 'customer_invited_before';

-- name: prune_events
-- Events age out, the oldest first and a few at a time; invitations never do.
DELETE FROM events WHERE id IN (
  SELECT id FROM (SELECT id, received_at FROM events ORDER BY id LIMIT ?) WHERE received_at < ?
) RETURNING id;

-- name: prune_dispositions
DELETE FROM dispositions WHERE event_id = ?;

-- name: prune_calls
-- Calls that were passed on age out as events do; a message id is not known for longer either.
DELETE FROM deliveries WHERE id IN (
  SELECT id FROM deliveries WHERE what = 'identify' AND state IN ('accepted', 'refused', 'cancelled') AND updated_at < ? LIMIT ?
) RETURNING id;

-- name: prune_exchanges
-- Their ids grow with time.
DELETE FROM exchanges WHERE id IN (SELECT id FROM (SELECT id, at FROM exchanges ORDER BY id LIMIT ?) WHERE at < ?);

-- name: prune_attempts
DELETE FROM attempts WHERE delivery_id = ?;
