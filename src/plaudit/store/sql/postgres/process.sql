-- name: cursor
SELECT position FROM cursors WHERE reader = %(reader)s::text AND partition = %(partition)s::bigint;

-- name: start_cursor
-- The first batch of a partition. Another process that is about to start it as well waits here for the first one.
INSERT INTO cursors (reader, partition, position) VALUES (%(reader)s::text, %(partition)s::bigint, %(after)s::bigint)
ON CONFLICT DO NOTHING;

-- name: move_cursor
-- Only from where the batch was read: if another process was quicker, nothing moves and all is undone.
UPDATE cursors SET position = %(after)s::bigint
WHERE reader = %(reader)s::text AND partition = %(partition)s::bigint AND position = %(before)s::bigint;

-- name: put_events
-- Of many at once; one whose message id is known already is passed over. In the order of the unique key: that is the
-- lock order, and of two in one batch the first one comes first.
INSERT INTO events (id, source_id, message_id, type, name, received_at, timestamp, order_id, disposition, detail, first)
SELECT g.id, g.source_id, g.message_id, g.type, g.name, g.received_at, g.timestamp, g.order_id, g.disposition, g.detail, true
FROM unnest(%(id)s::bigint[], %(source_id)s::bigint[], %(message_id)s::text[], %(type)s::text[], %(name)s::text[],
  %(received_at)s::bigint[], %(timestamp)s::bigint[], %(order_id)s::text[], %(disposition)s::text[], %(detail)s::text[])
  WITH ORDINALITY AS g (id, source_id, message_id, type, name, received_at, timestamp, order_id, disposition, detail, nth)
ORDER BY g.source_id, g.message_id COLLATE "C", g.nth
ON CONFLICT (source_id, message_id) WHERE first DO NOTHING
RETURNING id;

-- name: put_other_events
-- Duplicates, and events that were refused: neither keeps a later one with its message id out.
INSERT INTO events (id, source_id, message_id, type, name, received_at, timestamp, order_id, disposition, detail, first)
SELECT g.id, g.source_id, g.message_id, g.type, g.name, g.received_at, g.timestamp, g.order_id, g.disposition, g.detail, false
FROM unnest(%(id)s::bigint[], %(source_id)s::bigint[], %(message_id)s::text[], %(type)s::text[], %(name)s::text[],
  %(received_at)s::bigint[], %(timestamp)s::bigint[], %(order_id)s::text[], %(disposition)s::text[], %(detail)s::text[])
  AS g (id, source_id, message_id, type, name, received_at, timestamp, order_id, disposition, detail);

-- name: first_events
-- The first events with these message ids. A statement of its own: it sees what others committed meanwhile.
SELECT g.nth, e.id
FROM unnest(%(source_id)s::bigint[], %(message_id)s::text[]) WITH ORDINALITY AS g (source_id, message_id, nth)
JOIN events e ON e.source_id = g.source_id AND e.message_id = g.message_id AND e.first;

-- name: replayable
-- Which of these events may be judged anew: not duplicates, not refused ones; only those with a disposition, if given.
SELECT e.id FROM events e WHERE e.id = ANY (%(ids)s::bigint[]) AND e.first
  AND (%(disposition)s::text IS NULL OR e.disposition = %(disposition)s::text
    OR EXISTS (SELECT 1 FROM dispositions p WHERE p.event_id = e.id AND p.code = %(disposition)s::text))
ORDER BY e.id FOR UPDATE OF e;

-- name: made_by
-- Where events have made their deliveries: by their dispositions, or because the delivery says so.
SELECT p.event_id, p.destination_id FROM dispositions p
LEFT JOIN deliveries d ON d.id = p.delivery_id
WHERE p.event_id = ANY (%(ids)s::bigint[]) AND (p.code = ANY (%(made)s::text[]) OR d.event_id = p.event_id);

-- name: older_events
-- Events of entries below a position: those whose bodies the log has no more. An id is made in spec/envelope.py.
SELECT count(*) FROM events
WHERE id < %(below)s::bigint AND id / 4096 %% 64 = %(partition)s::bigint
  AND received_at >= %(since)s::bigint AND received_at < %(until)s::bigint;

-- name: judge_anew
-- Their dispositions as events; those at destinations are put anew, or dropped by the next query.
UPDATE events e SET order_id = coalesce(g.order_id, e.order_id), disposition = g.disposition, detail = g.detail
FROM unnest(%(id)s::bigint[], %(order_id)s::text[], %(disposition)s::text[], %(detail)s::text[])
  AS g (id, order_id, disposition, detail)
WHERE e.id = g.id;

-- name: drop_dispositions
DELETE FROM dispositions WHERE event_id = ANY (%(ids)s::bigint[]);

-- name: put_dispositions
-- A second one replaces the first: the event was judged anew.
INSERT INTO dispositions (event_id, destination_id, code, detail, delivery_id)
SELECT * FROM unnest(%(event_id)s::bigint[], %(destination_id)s::bigint[], %(code)s::text[], %(detail)s::text[],
  %(delivery_id)s::bigint[])
ON CONFLICT (event_id, destination_id) DO UPDATE SET code = excluded.code, detail = excluded.detail,
  delivery_id = excluded.delivery_id;

-- name: made_after_all
-- Events whose orders had to stand back, and do no more.
UPDATE dispositions p SET code = 'invited', detail = g.detail, delivery_id = g.id
FROM unnest(%(id)s::bigint[], %(event_id)s::bigint[], %(destination_id)s::bigint[], %(detail)s::text[])
  AS g (id, event_id, destination_id, detail)
WHERE p.event_id = g.event_id AND p.destination_id = g.destination_id AND p.code = 'customer_invited_before';

-- name: prune_events
-- Events age out, the oldest first and a few at a time; invitations never do. What another process has in hand is left
-- to it.
WITH old AS (
  SELECT id FROM events WHERE received_at < %(before)s::bigint
  ORDER BY received_at, id LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM dispositions p USING old WHERE p.event_id = old.id
)
DELETE FROM events e USING old WHERE e.id = old.id;

-- name: prune_calls
-- Calls that were passed on age out as events do; a message id is not known for longer either.
WITH old AS (
  SELECT id FROM deliveries
  WHERE what = 'identify' AND state IN ('accepted', 'refused', 'cancelled') AND updated_at < %(before)s::bigint
  ORDER BY updated_at LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM attempts a USING old WHERE a.delivery_id = old.id
)
DELETE FROM deliveries d USING old WHERE d.id = old.id;

-- name: prune_exchanges
-- Their ids grow with time, nearly.
DELETE FROM exchanges WHERE id IN (
  SELECT id FROM (SELECT id, at FROM exchanges ORDER BY id LIMIT %(limit)s::bigint) AS x WHERE at < %(before)s::bigint
);
