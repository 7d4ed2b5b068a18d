-- name: due
-- The invitations of a destination that are due, oldest first, as one JSON array.
SELECT json_group_array(json_array(id, json(payload), attempts + 1, coalesce(first_attempt_at, :now))) FROM (
  SELECT id, payload, attempts, first_attempt_at FROM invitations
  WHERE destination_id = :destination_id AND state = 'queued' AND due_at <= :now
  ORDER BY due_at, id LIMIT :limit
);

-- name: claim
-- Lease them (ids as a JSON array) to one process.
UPDATE invitations SET state = 'sending', attempts = attempts + 1, lease_owner = :owner, lease_until = :lease_until,
  first_attempt_at = coalesce(first_attempt_at, :now), updated_at = :now
WHERE id IN (SELECT value FROM json_each(:ids));

-- name: settle
-- What an attempt came to. An answer that arrives after the lease was given up still beats 'uncertain'.
WITH ended (id, attempt, owner, state, reason, message, due_at, finished_at) AS (VALUES (?, ?, ?, ?, ?, ?, ?, ?))
UPDATE invitations SET state = ended.state, reason = ended.reason, message = ended.message, due_at = ended.due_at,
  updated_at = ended.finished_at, lease_until = NULL
FROM ended
WHERE invitations.id = ended.id AND lease_owner = ended.owner AND attempts = ended.attempt
  AND invitations.state IN ('sending', 'uncertain');

-- name: put_attempt
INSERT INTO attempts (invitation_id, number, started_at, finished_at, outcome, reason, message, status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (invitation_id, number) DO UPDATE SET finished_at = excluded.finished_at, outcome = excluded.outcome,
  reason = excluded.reason, message = excluded.message, status = excluded.status;

-- name: release
-- Back as it was, for an invitation that was claimed and surely not sent.
UPDATE invitations SET state = 'queued', attempts = attempts - 1, lease_owner = NULL, lease_until = NULL, updated_at = ?
WHERE id = ? AND lease_owner = ? AND state = 'sending';

-- name: pause
UPDATE destinations SET paused_at = ?, paused_reason = ?, paused_message = ? WHERE id = ?;

-- name: next_due
SELECT min(due_at) FROM invitations WHERE destination_id = ? AND state = 'queued';

-- name: abandoned
-- Leased to another process that is gone, or for longer than any attempt takes. One's own are known to be in flight.
SELECT id, destination_id, attempts, updated_at FROM invitations
WHERE state = 'sending' AND lease_owner <> :owner AND (:alone OR lease_until < :now);

-- name: recover
UPDATE invitations SET state = ?, reason = ?, message = ?, due_at = ?, updated_at = ?, lease_until = NULL
WHERE id = ? AND state = 'sending' AND attempts = ?;

-- name: unblock
-- The invitations that waited for the settings to be mended.
-- Their retry window starts anew: they did not fail while they waited.
UPDATE invitations SET state = 'queued', due_at = :now, updated_at = :now, reason = NULL, message = NULL,
  first_attempt_at = NULL
WHERE destination_id = :destination_id AND state = 'blocked';
