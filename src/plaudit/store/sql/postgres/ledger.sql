-- name: put_deliveries
-- The one place where deliveries are made, many at once; a second one for an order is passed over. Ids are given in the
-- order of the events; rows are put in the order of the unique key, which is the lock order.
WITH given AS MATERIALIZED (
  SELECT nextval('delivery_ids') AS id, g.*
  FROM unnest(%(destination_id)s::bigint[], %(what)s::text[], %(key)s::text[], %(source_id)s::bigint[],
    %(event_id)s::bigint[], %(payload)s::text[], %(call)s::text[], %(recipient)s::bigint[], %(state)s::text[],
    %(created_at)s::bigint[], %(due_at)s::bigint[], %(updated_at)s::bigint[])
    AS g (destination_id, what, key, source_id, event_id, payload, call, recipient, state, created_at, due_at, updated_at)
)
INSERT INTO deliveries (id, destination_id, what, key, source_id, event_id, payload, call, recipient, state, created_at,
  due_at, updated_at)
SELECT * FROM given g ORDER BY g.destination_id, g.what COLLATE "C", g.key COLLATE "C", g.id
ON CONFLICT (destination_id, what, key) DO NOTHING
RETURNING id, destination_id, event_id;

-- name: drop_guards
-- Rows that only kept others from making a delivery meanwhile: they still do, until the transaction ends.
DELETE FROM deliveries WHERE id = ANY (%(ids)s::bigint[]);

-- name: lock_deliveries
-- Those of these keys that are there, as they are now, for this transaction alone; in the order of their ids, which is
-- the lock order.
SELECT g.nth, d.id, d.state, d.reason, d.created_at, d.payload, d.event_id
FROM unnest(%(destination_id)s::bigint[], %(what)s::text[], %(key)s::text[]) WITH ORDINALITY
  AS g (destination_id, what, key, nth)
JOIN deliveries d ON d.destination_id = g.destination_id AND d.what = g.what AND d.key = g.key
ORDER BY d.id FOR UPDATE OF d;

-- name: there
-- Which of these keys have their deliveries.
SELECT g.nth, d.id, d.state
FROM unnest(%(destination_id)s::bigint[], %(what)s::text[], %(key)s::text[]) WITH ORDINALITY
  AS g (destination_id, what, key, nth)
JOIN deliveries d ON d.destination_id = g.destination_id AND d.what = g.what AND d.key = g.key;

-- name: lock_customers
-- One process at a time decides whether a customer was invited a short time before. In order: that is the lock order.
SELECT pg_advisory_xact_lock(k) FROM (SELECT k FROM unnest(%(keys)s::bigint[]) AS k ORDER BY k) AS sorted;

-- name: invited_before
-- The customers' invitations that were made or may have been, from other orders; the hash may have namesakes.
SELECT g.nth, d.id, d.key, d.payload, d.created_at, d.state
FROM unnest(%(recipient)s::bigint[], %(destination_id)s::bigint[], %(order_id)s::text[], %(since)s::bigint[])
  WITH ORDINALITY AS g (recipient, destination_id, order_id, since, nth)
JOIN deliveries d ON d.recipient = g.recipient AND d.destination_id = g.destination_id AND d.what = 'invitation'
  AND d.key <> g.order_id AND d.state NOT IN ('cancelled', 'refused', 'failed') AND d.created_at > g.since
ORDER BY g.nth, d.id DESC;

-- name: make_anew
-- Rows that surely invited nobody take another content, and are sent. They are locked, and looked at.
UPDATE deliveries d SET payload = g.payload, call = g.call, recipient = g.recipient, event_id = g.event_id,
  state = g.state, due_at = g.due_at, updated_at = g.updated_at, first_attempt_at = NULL, reason = NULL, message = NULL,
  behind = NULL, created_at = CASE WHEN d.reason = 'customer_invited_before' THEN g.updated_at ELSE d.created_at END
FROM unnest(%(id)s::bigint[], %(payload)s::text[], %(call)s::text[], %(recipient)s::bigint[], %(event_id)s::bigint[],
  %(state)s::text[], %(due_at)s::bigint[], %(updated_at)s::bigint[])
  AS g (id, payload, call, recipient, event_id, state, due_at, updated_at)
WHERE d.id = g.id;

-- name: put_cancellations
-- Each is kept: a later one of a part takes nothing from an earlier one of all. In the lock order.
INSERT INTO cancellations (destination_id, order_id, at, event, amount)
SELECT * FROM unnest(%(destination_id)s::bigint[], %(order_id)s::text[], %(at)s::bigint[], %(event)s::text[],
  %(amount)s::double precision[]) AS g (destination_id, order_id, at, event, amount)
ORDER BY g.destination_id, g.order_id COLLATE "C", g.at
ON CONFLICT (destination_id, order_id, at) DO UPDATE SET event = excluded.event, amount = excluded.amount
WHERE cancellations.amount IS NOT NULL AND (excluded.amount IS NULL OR excluded.amount > cancellations.amount);

-- name: cancelled_among
-- Which of these deliveries belong to orders that were taken back.
SELECT d.id, d.state, d.payload, c.order_id, c.at, c.event, c.amount
FROM deliveries d
JOIN cancellations c ON c.destination_id = d.destination_id AND c.order_id = d.key
WHERE d.id = ANY (%(ids)s::bigint[]) AND d.what = 'invitation'
ORDER BY d.id, c.at;

-- name: cancel
-- Only what surely invited nobody, and is not under way. They are locked.
UPDATE deliveries d SET state = 'cancelled', reason = g.reason, message = g.message, updated_at = %(now)s::bigint
FROM unnest(%(id)s::bigint[], %(reason)s::text[], %(message)s::text[]) AS g (id, reason, message)
WHERE d.id = g.id AND d.state IN ('held', 'queued', 'blocked', 'failed', 'refused');

-- name: stand_back
-- Deliveries that were just made are none as long as others of their customers are not cancelled.
UPDATE deliveries d SET state = 'cancelled', reason = 'customer_invited_before', message = g.message, behind = g.behind
FROM unnest(%(id)s::bigint[], %(behind)s::bigint[], %(message)s::text[]) AS g (id, behind, message)
WHERE d.id = g.id;

-- name: standing_back
-- Those that had to stand back for deliveries which invite nobody now, the oldest first: this is the lock order.
SELECT d.id, d.behind, d.destination_id, d.event_id
FROM deliveries a JOIN deliveries d ON d.behind = a.id AND d.state = 'cancelled'
WHERE a.id = ANY (%(ids)s::bigint[]) AND a.state IN ('cancelled', 'refused', 'failed')
ORDER BY d.id FOR UPDATE OF d;

-- name: step_forward
-- The first of them are made. They are locked.
UPDATE deliveries SET state = CASE WHEN due_at > %(now)s::bigint THEN 'held' ELSE 'queued' END, reason = NULL,
  message = NULL, behind = NULL, created_at = %(now)s::bigint, updated_at = %(now)s::bigint
WHERE id = ANY (%(ids)s::bigint[]);

-- name: stand_behind
-- The others go on standing back, for those. They are locked.
UPDATE deliveries d SET behind = g.behind
FROM unnest(%(id)s::bigint[], %(behind)s::bigint[]) AS g (id, behind) WHERE d.id = g.id;

-- name: stepped_forward
SELECT id FROM deliveries WHERE id = ANY (%(ids)s::bigint[]) AND behind IS NULL AND state IN ('held', 'queued');

-- name: any_suppressed
SELECT EXISTS (SELECT FROM suppressed);

-- name: suppressed_among
SELECT address FROM suppressed WHERE address = ANY (%(addresses)s::text[]);
