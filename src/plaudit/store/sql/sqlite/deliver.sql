-- name: waiting_sources
-- The sources with something due or waiting at a destination, by one seek each.
WITH RECURSIVE s (id) AS (
  SELECT min(source_id) FROM deliveries WHERE destination_id = :destination_id AND state IN ('queued', 'held')
  UNION ALL
  SELECT (SELECT min(source_id) FROM deliveries
          WHERE destination_id = :destination_id AND state IN ('queued', 'held') AND source_id > s.id)
  FROM s WHERE s.id IS NOT NULL
)
SELECT id FROM s WHERE id IS NOT NULL;

-- name: due
-- The deliveries of a destination that are due from one source, oldest first, as one JSON array.
SELECT json_group_array(json_array(id, what, json(payload), attempts + 1, coalesce(first_attempt_at, :now), due_at, CAST(call AS TEXT)))
FROM (
  SELECT id, what, payload, attempts, first_attempt_at, due_at, call FROM deliveries
  WHERE destination_id = :destination_id AND state IN ('queued', 'held') AND source_id = :source_id AND due_at <= :now
  ORDER BY due_at, id LIMIT :limit
);

-- name: claim
-- Lease them (ids as a JSON array) to one process.
UPDATE deliveries SET state = 'sending', attempts = attempts + 1, lease_owner = :owner, lease_until = :lease_until,
  first_attempt_at = coalesce(first_attempt_at, :now), updated_at = :now
WHERE id IN (SELECT value FROM json_each(:ids));

-- name: settle
-- What an attempt came to. An answer that arrives after the lease was given up still beats 'uncertain'.
WITH ended (id, attempt, owner, state, reason, message, due_at, finished_at) AS (VALUES (?, ?, ?, ?, ?, ?, ?, ?))
UPDATE deliveries SET state = ended.state, reason = ended.reason, message = ended.message, due_at = ended.due_at,
  updated_at = ended.finished_at, lease_until = NULL
FROM ended
WHERE deliveries.id = ended.id AND lease_owner = ended.owner AND attempts = ended.attempt
  AND deliveries.state IN ('sending', 'uncertain');

-- name: put_attempt
INSERT INTO attempts (delivery_id, number, started_at, finished_at, outcome, reason, message, status, fault, exchange_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (delivery_id, number) DO UPDATE SET finished_at = excluded.finished_at, outcome = excluded.outcome,
  reason = excluded.reason, message = excluded.message, status = excluded.status, fault = excluded.fault,
  exchange_id = excluded.exchange_id
-- A late answer does not hide that the next attempt was made because this one was uncertain.
WHERE excluded.number >= (SELECT attempts FROM deliveries WHERE id = excluded.delivery_id);

-- name: put_exchange
INSERT INTO exchanges (at, content) VALUES (?, ?);

-- name: release
-- Back as it was, for a delivery that was claimed and surely not sent.
UPDATE deliveries SET state = 'queued', attempts = attempts - 1, lease_owner = NULL, lease_until = NULL, updated_at = ?
WHERE id = ? AND lease_owner = ? AND state = 'sending';

-- name: pause
-- Unless the configuration that failed is no longer in place (0: whichever it is), or a person has paused it.
UPDATE destinations SET paused_at = :now, paused_reason = :reason, paused_message = :message
WHERE id = :id AND (:reason = 'by_hand' OR coalesce(paused_reason, '') <> 'by_hand') AND (:version = 0 OR :version = (SELECT value FROM meta WHERE key = 'config_version'));

-- name: resume
-- A destination that gave no sign of life for long has answered again; or a person ends whatever pause there is.
UPDATE destinations SET paused_at = NULL, paused_reason = NULL, paused_message = NULL WHERE id = :id AND (:reason IS NULL OR paused_reason = :reason);

-- name: next_due
-- By one seek a source.
WITH RECURSIVE s (id) AS (
  SELECT min(source_id) FROM deliveries WHERE destination_id = :destination_id AND state IN ('queued', 'held')
  UNION ALL
  SELECT (SELECT min(source_id) FROM deliveries
          WHERE destination_id = :destination_id AND state IN ('queued', 'held') AND source_id > s.id)
  FROM s WHERE s.id IS NOT NULL
)
SELECT min((SELECT min(due_at) FROM deliveries
            WHERE destination_id = :destination_id AND state IN ('queued', 'held') AND source_id = s.id))
FROM s WHERE s.id IS NOT NULL;

-- name: abandoned
-- Leased to another process that is gone, or for longer than any attempt takes. One's own are known to be in flight.
SELECT id, destination_id, attempts, updated_at FROM deliveries
WHERE state = 'sending' AND lease_owner <> :owner AND (:alone OR lease_until < :now);

-- name: recover
UPDATE deliveries SET state = ?, reason = ?, message = ?, due_at = ?, updated_at = ?, lease_until = NULL
WHERE id = ? AND state = 'sending' AND attempts = ?;

-- name: unblock
-- What waited for the settings to be mended. Its retry window starts anew: it did not fail while it waited.
UPDATE deliveries SET state = 'queued', due_at = :now, updated_at = :now, reason = NULL, message = NULL,
  first_attempt_at = NULL
WHERE destination_id = :destination_id AND state = 'blocked';

-- name: cancel_forgotten
-- What was being sent when its customer was forgotten (operate.sql: forget), and has not arrived.
UPDATE deliveries SET state = 'cancelled', reason = 'forgotten', updated_at = :now
WHERE id IN (SELECT value FROM json_each(:ids)) AND +what = 'invitation' AND recipient IS NULL
  AND payload ->> '$.email' = '' AND state NOT IN ('sending', 'accepted', 'cancelled');
