-- What people decide about deliveries: by conditions that count only when they are given (statements are planned with
-- their values, so what is not given costs nothing), a portion at a time.

-- name: counted
-- How many a selection holds, by state.
SELECT d.state, count(*) FROM deliveries d
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.what = %(what)s::text AND (%(state)s::text IS NULL OR d.state = %(state)s::text)
  AND (%(order_id)s::text IS NULL OR d.key = %(order_id)s::text)
  AND (%(destination)s::text IS NULL OR t.name = %(destination)s::text)
  AND (%(recipient)s::bigint IS NULL OR d.recipient = %(recipient)s::bigint)
  AND (%(source)s::text IS NULL OR s.name = %(source)s::text)
  AND (%(reason)s::text IS NULL OR d.reason = %(reason)s::text)
  AND (%(since)s::bigint IS NULL OR d.created_at >= %(since)s::bigint)
  AND (%(until)s::bigint IS NULL OR d.created_at < %(until)s::bigint)
GROUP BY 1;

-- name: destinations_of
-- Those that a selection can be about, also ones that were taken out of the configuration.
SELECT id FROM destinations WHERE %(destination)s::text IS NULL OR name = %(destination)s::text;

-- name: selected
-- The next ones of a selection that are in any of these states.
SELECT d.id FROM deliveries d
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.id > %(after)s::bigint AND d.state = ANY (%(states)s::text[]) AND d.what = %(what)s::text
  AND (%(order_id)s::text IS NULL OR d.key = %(order_id)s::text)
  AND (%(destination)s::text IS NULL OR t.name = %(destination)s::text)
  AND (%(recipient)s::bigint IS NULL OR d.recipient = %(recipient)s::bigint)
  AND (%(source)s::text IS NULL OR s.name = %(source)s::text)
  AND (%(reason)s::text IS NULL OR d.reason = %(reason)s::text)
  AND (%(since)s::bigint IS NULL OR d.created_at >= %(since)s::bigint)
  AND (%(until)s::bigint IS NULL OR d.created_at < %(until)s::bigint)
ORDER BY d.id LIMIT %(limit)s::bigint;

-- name: selected_in_attention
-- The same in one state at one destination: its index is in the order of ids, so a portion costs what it holds.
SELECT d.id FROM deliveries d
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.destination_id = %(destination_id)s::bigint AND d.state = %(state)s::text
  AND d.state IN ('failed', 'blocked', 'uncertain', 'refused')
  AND d.id > %(after)s::bigint AND d.what = %(what)s::text
  AND (%(source)s::text IS NULL OR s.name = %(source)s::text)
  AND (%(reason)s::text IS NULL OR d.reason = %(reason)s::text)
  AND (%(since)s::bigint IS NULL OR d.created_at >= %(since)s::bigint)
  AND (%(until)s::bigint IS NULL OR d.created_at < %(until)s::bigint)
ORDER BY d.id LIMIT %(limit)s::bigint;

-- name: decide
-- Those that are still in these states, with what they were before. Their retry window starts anew.
WITH locked AS MATERIALIZED (
  SELECT id, state, reason, message, due_at, first_attempt_at FROM deliveries
  WHERE id = ANY (%(ids)s::bigint[]) AND state = ANY (%(states)s::text[]) ORDER BY id FOR UPDATE
), kept AS (
  INSERT INTO decided (decision_id, delivery_id, decided, at, state, reason, message, due_at, first_attempt_at)
  SELECT %(decision)s::bigint, id, %(decided)s::text, %(now)s::bigint, state, reason, message, due_at, first_attempt_at
  FROM locked
  ON CONFLICT (decision_id, delivery_id) DO NOTHING -- it stays known as it was before the decision's first touch
)
UPDATE deliveries d SET state = %(then)s::text, reason = %(reason)s::text, message = %(message)s::text,
  due_at = %(now)s::bigint, updated_at = %(now)s::bigint, first_attempt_at = NULL, lease_until = NULL
FROM locked l WHERE d.id = l.id AND d.state = ANY (%(states)s::text[])
RETURNING d.id, d.destination_id;

-- name: of_recipient
-- In the lock order.
SELECT id, destination_id, key, payload, state FROM deliveries WHERE recipient = %(recipient)s::bigint ORDER BY id FOR UPDATE;

-- name: forget
-- What is left of a person: that the order had its invitation, and nothing of whom it was sent to.
UPDATE deliveries SET payload = %(payload)s::text, call = NULL, recipient = NULL, message = NULL, behind = NULL,
  updated_at = %(now)s::bigint,
  state = CASE WHEN state IN ('sending', 'accepted', 'cancelled') THEN state ELSE 'cancelled' END,
  reason = CASE WHEN state IN ('sending', 'accepted', 'cancelled') THEN reason ELSE 'forgotten' END
WHERE id = %(id)s::bigint;

-- name: forget_call
DELETE FROM deliveries WHERE id = %(id)s::bigint;

-- name: forget_exchanges
-- What was sent about them, with whatever else stood in it: a page goes as a whole.
DELETE FROM exchanges WHERE id IN (SELECT exchange_id FROM attempts WHERE delivery_id = %(id)s::bigint);

-- name: forget_attempts
-- A vendor's words may quote the person's name.
UPDATE attempts SET message = '' WHERE delivery_id = %(id)s::bigint;

-- name: forget_decided
-- So may those that a decision keeps.
UPDATE decided SET message = NULL WHERE delivery_id = %(id)s::bigint;

-- name: suppress
-- Later events of that person make nothing.
INSERT INTO suppressed (address, at) VALUES (%(address)s::text, %(now)s::bigint) ON CONFLICT DO NOTHING;

-- name: allow
-- They do again.
DELETE FROM suppressed WHERE address = %(address)s::text;
