-- name: invitations
-- Newest first; each condition counts only when it is given.
SELECT i.id, d.name, i.order_id, s.name, i.state, i.reason, i.message, i.attempts, i.created_at, i.due_at, i.updated_at, i.payload
FROM invitations i
JOIN destinations d ON d.id = i.destination_id
LEFT JOIN sources s ON s.id = i.source_id
WHERE (:state IS NULL OR i.state = :state)
  AND (:order_id IS NULL OR i.order_id = :order_id)
  AND (:destination IS NULL OR d.name = :destination)
ORDER BY i.id DESC LIMIT :limit;

-- name: invitations_of_order
-- By order, over all destinations, by the unique index.
SELECT i.id, d.name, i.order_id, s.name, i.state, i.reason, i.message, i.attempts, i.created_at, i.due_at, i.updated_at, i.payload
FROM destinations d
JOIN invitations i ON i.destination_id = d.id AND i.order_id = :order_id
LEFT JOIN sources s ON s.id = i.source_id
WHERE (:state IS NULL OR i.state = :state) AND (:destination IS NULL OR d.name = :destination)
ORDER BY i.id DESC LIMIT :limit;

-- name: attempts
SELECT number, started_at, finished_at, outcome, reason, message, status FROM attempts WHERE invitation_id = ? ORDER BY number;

-- name: events
-- Newest first by arrival.
SELECT e.id, s.name, e.message_id, e.type, e.name, e.received_at, e.timestamp, e.order_id, e.disposition, e.detail
FROM events e LEFT JOIN sources s ON s.id = e.source_id
WHERE (:source IS NULL OR s.name = :source) AND (:order_id IS NULL OR e.order_id = :order_id)
  AND (:disposition IS NULL OR e.disposition = :disposition
    OR EXISTS (SELECT 1 FROM dispositions x WHERE x.event_id = e.id AND x.code = :disposition))
ORDER BY e.id DESC LIMIT :limit;

-- name: dispositions
SELECT p.event_id, d.name, p.code, p.detail, p.invitation_id
FROM dispositions p JOIN destinations d ON d.id = p.destination_id
WHERE p.event_id IN (SELECT value FROM json_each(?))
ORDER BY p.event_id, d.name;

-- name: states
-- How many invitations are in each state, per destination: for doctor, not for a hot path.
SELECT d.name, i.state, count(*) FROM invitations i JOIN destinations d ON d.id = i.destination_id GROUP BY 1, 2 ORDER BY 1, 2;

-- name: attention
-- How many wait for a person; each destination has a row, also with none. Runs on invitations_attention alone.
SELECT d.name, i.state, count(i.state) FROM destinations d
LEFT JOIN invitations i ON i.destination_id = d.id AND i.state IN ('failed', 'blocked', 'uncertain', 'refused')
GROUP BY 1, 2;
