-- Undoing decisions: what each kept of its deliveries, beside what these are now. The columns are store/undoing.py: Kept.

-- name: kept
-- The next deliveries of a decision that is not undone for them.
SELECT k.decision_id, k.delivery_id, k.decided, k.at, k.state, k.reason, k.message, k.due_at, k.first_attempt_at, k.undone_at,
  EXISTS (SELECT FROM decided o WHERE o.delivery_id = k.delivery_id AND o.decision_id > k.decision_id AND o.undone_at IS NULL),
  d.destination_id, d.what, d.key, d.recipient, d.payload, d.state, d.reason, d.message, d.due_at, d.first_attempt_at
FROM decided k LEFT JOIN deliveries d ON d.id = k.delivery_id
WHERE k.decision_id = %(decision)s::bigint AND k.delivery_id > %(after)s::bigint AND k.undone_at IS NULL
  AND (%(only)s::bigint IS NULL OR k.delivery_id = %(only)s::bigint)
ORDER BY k.delivery_id LIMIT %(limit)s::bigint;

-- name: share_destinations
-- No pause begins or ends meanwhile: what is restored as blocked is let go by whoever ends one.
SELECT id FROM destinations WHERE id = ANY (%(ids)s::bigint[]) ORDER BY id FOR SHARE;

-- name: told
-- Which calls are among those that told a destination of a value the last time; nobody tells another one meanwhile.
SELECT g.id
FROM unnest(%(id)s::bigint[], %(definition_id)s::bigint[], %(destination_id)s::bigint[], %(profile_id)s::bigint[])
  AS g (id, definition_id, destination_id, profile_id)
JOIN told t ON t.definition_id = g.definition_id AND t.destination_id = g.destination_id AND t.profile_id = g.profile_id
WHERE t.deliveries::jsonb @> to_jsonb(g.id)
ORDER BY t.profile_id, t.definition_id, t.destination_id FOR SHARE OF t;

-- name: lock
-- In the lock order.
SELECT id FROM deliveries WHERE id = ANY (%(ids)s::bigint[]) ORDER BY id FOR UPDATE;

-- name: kept_of_delivery
-- The same of one delivery: all decisions about it, the oldest first.
SELECT k.decision_id, k.delivery_id, k.decided, k.at, k.state, k.reason, k.message, k.due_at, k.first_attempt_at, k.undone_at,
  EXISTS (SELECT FROM decided o WHERE o.delivery_id = k.delivery_id AND o.decision_id > k.decision_id AND o.undone_at IS NULL),
  d.destination_id, d.what, d.key, d.recipient, d.payload, d.state, d.reason, d.message, d.due_at, d.first_attempt_at
FROM decided k LEFT JOIN deliveries d ON d.id = k.delivery_id
WHERE k.delivery_id = %(id)s::bigint ORDER BY k.decision_id;

-- name: decision
-- How many deliveries it touched, and of how many it is undone.
SELECT decision_id, decided, min(at), count(*), count(undone_at) FROM decided
WHERE decision_id = %(id)s::bigint GROUP BY 1, 2;

-- name: others
-- Other invitations of customers that count: what was sent counts for a time. The hash may have namesakes.
SELECT g.id, d.payload
FROM unnest(%(id)s::bigint[], %(destination_id)s::bigint[], %(recipient)s::bigint[], %(since)s::bigint[])
  AS g (id, destination_id, recipient, since)
JOIN deliveries d ON d.recipient = g.recipient AND d.destination_id = g.destination_id AND d.what = 'invitation'
  AND d.id <> g.id AND d.state NOT IN ('cancelled', 'refused', 'failed') AND (d.state <> 'accepted' OR d.created_at > g.since);

-- name: restore
-- They are locked.
UPDATE deliveries d SET state = g.state, reason = g.reason, message = g.message, due_at = g.due_at,
  first_attempt_at = g.first_attempt_at, updated_at = %(now)s::bigint
FROM unnest(%(id)s::bigint[], %(state)s::text[], %(reason)s::text[], %(message)s::text[], %(due_at)s::bigint[],
  %(first_attempt_at)s::bigint[]) AS g (id, state, reason, message, due_at, first_attempt_at)
WHERE d.id = g.id;

-- name: undone
-- These are no longer what the decision made of them. Their deliveries are locked.
UPDATE decided SET undone_at = %(now)s::bigint
WHERE decision_id = %(decision)s::bigint AND delivery_id = ANY (%(ids)s::bigint[]);

-- name: prune
-- What is kept ages out as events do, the oldest first and a few at a time.
DELETE FROM decided WHERE (decision_id, delivery_id) IN (
  SELECT decision_id, delivery_id FROM decided WHERE at < %(before)s::bigint
  ORDER BY decision_id, delivery_id LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
);
