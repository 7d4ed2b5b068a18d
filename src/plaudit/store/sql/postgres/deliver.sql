-- name: claim
-- What is due at a destination becomes this process's, from each source in turn: the backlog of one does not keep
-- another's new orders waiting. Nothing when the lane is another process's. By one seek a source; what another
-- transaction has in hand is passed over.
WITH RECURSIVE s (id) AS (
  SELECT min(source_id) FROM deliveries
  WHERE destination_id = %(destination_id)s::bigint AND state IN ('queued', 'held')
    AND NOT EXISTS (SELECT 1 FROM resources WHERE resource = %(lane)s::text AND owner <> %(owner)s::text)
  UNION ALL
  SELECT (SELECT min(source_id) FROM deliveries
          WHERE destination_id = %(destination_id)s::bigint AND state IN ('queued', 'held') AND source_id > s.id)
  FROM s WHERE s.id IS NOT NULL
), due AS MATERIALIZED (
  SELECT s.id AS source_id, row_number() OVER (PARTITION BY s.id ORDER BY d.due_at, d.id) AS turn, d.*
  FROM s CROSS JOIN LATERAL (
    SELECT id, what, payload, attempts, first_attempt_at, due_at, call FROM deliveries
    WHERE destination_id = %(destination_id)s::bigint AND state IN ('queued', 'held') AND source_id = s.id
      AND due_at <= %(now)s::bigint
    ORDER BY due_at, id LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
  ) AS d
), chosen AS MATERIALIZED (
  SELECT * FROM due ORDER BY turn, source_id LIMIT %(limit)s::bigint
), claimed AS (
  UPDATE deliveries d SET state = 'sending', attempts = d.attempts + 1, lease_owner = %(owner)s::text,
    lease_until = %(lease_until)s::bigint, first_attempt_at = coalesce(d.first_attempt_at, %(now)s::bigint),
    updated_at = %(now)s::bigint
  FROM chosen c WHERE d.id = c.id
)
SELECT id, what, payload, attempts + 1, coalesce(first_attempt_at, %(now)s::bigint), due_at, call
FROM chosen ORDER BY turn, source_id;

-- name: settle
-- What attempts came to. An answer that arrives after the lease was given up still beats 'uncertain'. Rows are locked in
-- the order of their ids before one of them changes.
WITH locked AS MATERIALIZED (
  SELECT id FROM deliveries WHERE id = ANY (%(id)s::bigint[]) ORDER BY id FOR UPDATE
), ended AS (
  SELECT g.* FROM unnest(%(id)s::bigint[], %(number)s::bigint[], %(state)s::text[], %(reason)s::text[],
    %(message)s::text[], %(due_at)s::bigint[], %(finished_at)s::bigint[])
    AS g (id, number, state, reason, message, due_at, finished_at)
  JOIN locked l ON l.id = g.id
)
UPDATE deliveries d SET state = e.state, reason = e.reason, message = e.message, due_at = e.due_at,
  updated_at = e.finished_at, lease_until = NULL
FROM ended e
WHERE d.id = e.id AND d.lease_owner = %(owner)s::text AND d.attempts = e.number AND d.state IN ('sending', 'uncertain')
RETURNING d.state, d.created_at, d.what;

-- name: put_attempts
-- In their order, which is the lock order.
INSERT INTO attempts (delivery_id, number, started_at, finished_at, outcome, reason, message, status, fault, exchange_id)
SELECT * FROM unnest(%(id)s::bigint[], %(number)s::bigint[], %(started_at)s::bigint[], %(finished_at)s::bigint[],
  %(outcome)s::text[], %(reason)s::text[], %(message)s::text[], %(status)s::bigint[], %(fault)s::text[],
  %(exchange_id)s::bigint[])
  AS g (id, number, started_at, finished_at, outcome, reason, message, status, fault, exchange_id)
ORDER BY g.id, g.number
ON CONFLICT (delivery_id, number) DO UPDATE SET finished_at = excluded.finished_at, outcome = excluded.outcome,
  reason = excluded.reason, message = excluded.message, status = excluded.status, fault = excluded.fault,
  exchange_id = excluded.exchange_id
-- A late answer does not hide that the next attempt was made because this one was uncertain.
WHERE excluded.number >= (SELECT d.attempts FROM deliveries d WHERE d.id = excluded.delivery_id);

-- name: put_exchanges
-- Their ids, in the order in which they are given.
WITH given AS MATERIALIZED (
  SELECT nextval('exchange_ids') AS id, g.*
  FROM unnest(%(at)s::bigint[], %(content)s::text[]) WITH ORDINALITY AS g (at, content, place)
), put AS (
  INSERT INTO exchanges (id, at, content) SELECT id, at, content FROM given
)
SELECT id FROM given ORDER BY place;

-- name: release
-- Back as they were: deliveries that were claimed and surely not sent.
WITH locked AS MATERIALIZED (
  SELECT id FROM deliveries WHERE id = ANY (%(id)s::bigint[]) ORDER BY id FOR UPDATE
)
UPDATE deliveries d SET state = 'queued', attempts = d.attempts - 1, lease_owner = NULL, lease_until = NULL,
  updated_at = %(now)s::bigint
FROM unnest(%(id)s::bigint[], %(number)s::bigint[]) AS g (id, number) JOIN locked l ON l.id = g.id
WHERE d.id = g.id AND d.lease_owner = %(owner)s::text AND d.state = 'sending' AND d.attempts = g.number;

-- name: pause
-- Unless the configuration that failed is no longer in place (0: whichever it is), or a person has paused it.
UPDATE destinations SET paused_at = %(now)s::bigint, paused_reason = %(reason)s::text, paused_message = %(message)s::text
WHERE id = %(destination_id)s::bigint AND (%(reason)s::text = 'by_hand' OR coalesce(paused_reason, '') <> 'by_hand')
  AND (%(version)s::bigint = 0 OR %(version)s::bigint = (SELECT value FROM meta WHERE key = 'config_version'));

-- name: resume
-- A destination that gave no sign of life for long has answered again; or a person ends whatever pause there is.
UPDATE destinations SET paused_at = NULL, paused_reason = NULL, paused_message = NULL
WHERE id = %(destination_id)s::bigint AND (%(reason)s::text IS NULL OR paused_reason = %(reason)s::text);

-- name: next_due
-- By one seek a source.
WITH RECURSIVE s (id) AS (
  SELECT min(source_id) FROM deliveries
  WHERE destination_id = %(destination_id)s::bigint AND state IN ('queued', 'held')
  UNION ALL
  SELECT (SELECT min(source_id) FROM deliveries
          WHERE destination_id = %(destination_id)s::bigint AND state IN ('queued', 'held') AND source_id > s.id)
  FROM s WHERE s.id IS NOT NULL
)
SELECT min((SELECT min(due_at) FROM deliveries
            WHERE destination_id = %(destination_id)s::bigint AND state IN ('queued', 'held') AND source_id = s.id))
FROM s WHERE s.id IS NOT NULL;

-- name: abandoned
-- Leased for longer than any attempt takes, or to another process that is gone: where lanes are shared, one that is not
-- among those who say that they are there. One's own are known to be in flight.
SELECT id, destination_id, attempts, updated_at FROM deliveries
WHERE state = 'sending' AND lease_owner <> %(owner)s::text AND (%(alone)s::boolean OR lease_until < %(now)s::bigint
  OR (EXISTS (SELECT FROM members WHERE role = 'lane' AND owner = %(owner)s::text)
    AND NOT EXISTS (SELECT FROM members WHERE role = 'lane' AND owner = lease_owner AND until > clock_timestamp())))
ORDER BY id FOR UPDATE SKIP LOCKED;

-- name: recover
-- They are locked, and known to be 'sending'.
UPDATE deliveries d SET state = g.state, reason = %(reason)s::text, message = %(message)s::text,
  due_at = %(now)s::bigint, updated_at = %(now)s::bigint, lease_until = NULL
FROM unnest(%(id)s::bigint[], %(state)s::text[]) AS g (id, state)
WHERE d.id = g.id;

-- name: unblock
-- What waited for the settings to be mended. Its retry window starts anew: it did not fail while it waited.
WITH locked AS MATERIALIZED (
  SELECT id FROM deliveries WHERE destination_id = %(destination_id)s::bigint AND state = 'blocked' ORDER BY id FOR UPDATE
)
UPDATE deliveries d SET state = 'queued', due_at = %(now)s::bigint, updated_at = %(now)s::bigint, reason = NULL,
  message = NULL, first_attempt_at = NULL
FROM locked l WHERE d.id = l.id;

-- name: forgotten_among
-- Invitations whose customers may have been forgotten while they were being sent (operate.sql: forget).
SELECT id, payload FROM deliveries
WHERE id = ANY (%(ids)s::bigint[]) AND what = 'invitation' AND recipient IS NULL AND payload IS NOT NULL
  AND state NOT IN ('sending', 'accepted', 'cancelled');

-- name: cancel_forgotten
UPDATE deliveries SET state = 'cancelled', reason = 'forgotten', updated_at = %(now)s::bigint WHERE id = ANY (%(ids)s::bigint[]);
