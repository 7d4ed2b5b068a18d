-- Undoing decisions: what each kept of its deliveries, beside what these are now. The columns are store/undoing.py: Kept.

-- name: kept
-- The next deliveries of a decision that is not undone for them.
SELECT k.decision_id, k.delivery_id, k.decided, k.at, k.state, k.reason, k.message, k.due_at, k.first_attempt_at, k.undone_at,
  EXISTS (SELECT 1 FROM decided o WHERE o.delivery_id = k.delivery_id AND o.decision_id > k.decision_id AND o.undone_at IS NULL),
  d.destination_id, d.what, d.key, d.recipient, d.payload, d.state, d.reason, d.message, d.due_at, d.first_attempt_at
FROM decided k LEFT JOIN deliveries d ON d.id = k.delivery_id
WHERE k.decision_id = :decision AND k.delivery_id > :after AND k.undone_at IS NULL
  AND (:only IS NULL OR k.delivery_id = :only)
ORDER BY k.delivery_id LIMIT :limit;

-- name: kept_of_delivery
-- The same of one delivery: all decisions about it, the oldest first.
SELECT k.decision_id, k.delivery_id, k.decided, k.at, k.state, k.reason, k.message, k.due_at, k.first_attempt_at, k.undone_at,
  EXISTS (SELECT 1 FROM decided o WHERE o.delivery_id = k.delivery_id AND o.decision_id > k.decision_id AND o.undone_at IS NULL),
  d.destination_id, d.what, d.key, d.recipient, d.payload, d.state, d.reason, d.message, d.due_at, d.first_attempt_at
FROM decided k LEFT JOIN deliveries d ON d.id = k.delivery_id
WHERE k.delivery_id = ? ORDER BY k.decision_id;

-- name: decision
-- How many deliveries it touched, and of how many it is undone.
SELECT decision_id, decided, min(at), count(*), count(undone_at) FROM decided WHERE decision_id = ? GROUP BY 1, 2;

-- name: others
-- Other invitations of a customer that count: what was sent counts for a time. The hash may have namesakes.
SELECT payload FROM deliveries
WHERE recipient = :recipient AND destination_id = :destination_id AND what = 'invitation' AND id <> :id
  AND state NOT IN ('cancelled', 'refused', 'failed') AND (state <> 'accepted' OR created_at > :since);

-- name: told
-- Whether a call is among those that told a destination of a value the last time.
SELECT EXISTS (SELECT 1 FROM told t, json_each(t.deliveries) AS j
  WHERE t.definition_id = :definition AND t.destination_id = :destination AND t.profile_id = :profile AND j.value = :id);

-- name: restore
UPDATE deliveries SET state = ?, reason = ?, message = ?, due_at = ?, first_attempt_at = ?, updated_at = ? WHERE id = ?;

-- name: undone
-- These are no longer what the decision made of them (ids as a JSON array).
UPDATE decided SET undone_at = :now WHERE decision_id = :decision AND delivery_id IN (SELECT value FROM json_each(:ids));

-- name: prune
-- What is kept ages out as events do, the oldest first and a few at a time.
DELETE FROM decided WHERE (decision_id, delivery_id) IN (
  SELECT decision_id, delivery_id FROM (SELECT decision_id, delivery_id, at FROM decided ORDER BY 1, 2 LIMIT :limit) WHERE at < :before
);
