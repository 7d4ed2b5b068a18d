-- What a person decides about deliveries: by conditions that count only when they are given, a portion at a time.

-- name: counted
-- How many a selection holds, by state: over the whole ledger.
SELECT d.state, count(*) FROM deliveries d
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.what = :what AND (:state IS NULL OR d.state = :state) AND (:order_id IS NULL OR d.key = :order_id) AND (:destination IS NULL OR t.name = :destination) AND (:recipient IS NULL OR d.recipient = :recipient)
  AND (:source IS NULL OR s.name = :source) AND (:reason IS NULL OR d.reason = :reason)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
GROUP BY 1;

-- name: counted_of_order
-- The same by order, by the unique index.
SELECT d.state, count(*) FROM destinations t
CROSS JOIN deliveries d ON d.destination_id = t.id AND d.what = :what AND d.key = :order_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE (:state IS NULL OR d.state = :state) AND (:destination IS NULL OR t.name = :destination) AND (:recipient IS NULL OR d.recipient = :recipient)
  AND (:source IS NULL OR s.name = :source) AND (:reason IS NULL OR d.reason = :reason)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
GROUP BY 1;

-- name: counted_of_recipient
-- The same by customer.
SELECT d.state, count(*) FROM deliveries d
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.recipient = :recipient AND d.what = :what AND (:state IS NULL OR d.state = :state) AND (:order_id IS NULL OR d.key = :order_id) AND (:destination IS NULL OR t.name = :destination)
  AND (:source IS NULL OR s.name = :source) AND (:reason IS NULL OR d.reason = :reason)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
GROUP BY 1;

-- name: counted_in_attention
-- The same in one of the states that wait for a person: quick, however large the ledger.
SELECT d.state, count(*) FROM destinations t
JOIN deliveries d INDEXED BY deliveries_attention ON d.destination_id = t.id AND d.state = :state AND d.state IN ('failed', 'blocked', 'uncertain', 'refused')
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.what = :what AND (:order_id IS NULL OR d.key = :order_id) AND (:destination IS NULL OR t.name = :destination) AND (:recipient IS NULL OR d.recipient = :recipient)
  AND (:source IS NULL OR s.name = :source) AND (:reason IS NULL OR d.reason = :reason)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
GROUP BY 1;

-- name: counted_waiting
-- The same in one of the states that wait for their time.
SELECT d.state, count(*) FROM destinations t
JOIN deliveries d INDEXED BY deliveries_due ON d.destination_id = t.id AND d.state IN ('queued', 'held')
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.state = :state AND d.what = :what AND (:order_id IS NULL OR d.key = :order_id) AND (:destination IS NULL OR t.name = :destination) AND (:recipient IS NULL OR d.recipient = :recipient)
  AND (:source IS NULL OR s.name = :source) AND (:reason IS NULL OR d.reason = :reason)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
GROUP BY 1;

-- name: destinations_of
-- Those that a selection can be about, also ones that were taken out of the configuration.
SELECT id FROM destinations WHERE :destination IS NULL OR name = :destination;

-- name: selected_of_order
-- The next ones of a selection that are in any of these states (a JSON array), by order.
SELECT d.id FROM destinations t
CROSS JOIN deliveries d ON d.destination_id = t.id AND d.what = :what AND d.key = :order_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.id > :after AND d.state IN (SELECT value FROM json_each(:states)) AND (:destination IS NULL OR t.name = :destination) AND (:recipient IS NULL OR d.recipient = :recipient)
  AND (:source IS NULL OR s.name = :source) AND (:reason IS NULL OR d.reason = :reason)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
ORDER BY d.id LIMIT :limit;

-- name: selected_of_recipient
-- The same by customer.
SELECT d.id FROM deliveries d
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.recipient = :recipient AND d.id > :after AND d.state IN (SELECT value FROM json_each(:states))
  AND d.what = :what AND (:order_id IS NULL OR d.key = :order_id) AND (:destination IS NULL OR t.name = :destination)
  AND (:source IS NULL OR s.name = :source) AND (:reason IS NULL OR d.reason = :reason)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
ORDER BY d.id LIMIT :limit;

-- name: selected_in_attention
-- The same in one state at one destination: its index is in the order of ids, so a portion costs what it holds.
SELECT d.id FROM deliveries d INDEXED BY deliveries_attention
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.destination_id = :destination_id AND d.state = :state AND d.state IN ('failed', 'blocked', 'uncertain', 'refused')
  AND d.id > :after AND d.what = :what AND (:order_id IS NULL OR d.key = :order_id) AND (:recipient IS NULL OR d.recipient = :recipient)
  AND (:source IS NULL OR s.name = :source) AND (:reason IS NULL OR d.reason = :reason)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
ORDER BY d.id LIMIT :limit;

-- name: selected_waiting
-- The same in states that wait for their time, in one walk over the ledger that goes on where it was.
SELECT d.id FROM deliveries d NOT INDEXED
CROSS JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.id > :after AND d.state IN (SELECT value FROM json_each(:states)) AND d.what = :what
  AND (:order_id IS NULL OR d.key = :order_id) AND (:destination IS NULL OR t.name = :destination)
  AND (:recipient IS NULL OR d.recipient = :recipient)
  AND (:source IS NULL OR s.name = :source) AND (:reason IS NULL OR d.reason = :reason)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
ORDER BY d.id LIMIT :limit;

-- name: keep
-- What those were that a decision is about to touch (ids and states as for `decide`). What it touched before stays known
-- as it was then.
INSERT INTO decided (decision_id, delivery_id, decided, at, state, reason, message, due_at, first_attempt_at)
SELECT :decision, id, :decided, :now, state, reason, message, due_at, first_attempt_at FROM deliveries
WHERE id IN (SELECT value FROM json_each(:ids)) AND state IN (SELECT value FROM json_each(:states))
ON CONFLICT (decision_id, delivery_id) DO NOTHING;

-- name: decide
-- Those that are still in these states (a JSON array). Their retry window starts anew.
UPDATE deliveries SET state = :state, reason = :reason, message = :message, due_at = :now, updated_at = :now,
  first_attempt_at = NULL, lease_until = NULL
WHERE id IN (SELECT value FROM json_each(:ids)) AND state IN (SELECT value FROM json_each(:states))
RETURNING id;

-- name: of_recipient
SELECT id, destination_id, key, payload, state FROM deliveries WHERE recipient = ?;

-- name: forget
-- What is left of a person: that the order had its invitation, and nothing of whom it was sent to.
UPDATE deliveries SET payload = :payload, call = NULL, recipient = NULL, message = NULL, behind = NULL, updated_at = :now,
  state = CASE WHEN state IN ('sending', 'accepted', 'cancelled') THEN state ELSE 'cancelled' END,
  reason = CASE WHEN state IN ('sending', 'accepted', 'cancelled') THEN reason ELSE 'forgotten' END
WHERE id = :id;

-- name: forget_call
DELETE FROM deliveries WHERE id = ?;

-- name: forget_exchanges
-- What was sent about them, with whatever else stood in it: a page goes as a whole.
DELETE FROM exchanges WHERE id IN (SELECT exchange_id FROM attempts WHERE delivery_id = ?);

-- name: forget_attempts
-- A vendor's words may quote the person's name.
UPDATE attempts SET message = '' WHERE delivery_id = ?;

-- name: forget_decided
-- So may those that a decision keeps.
UPDATE decided SET message = NULL WHERE delivery_id = ?;

-- name: suppress
-- Later events of that person make nothing.
INSERT INTO suppressed (address, at) VALUES (?, ?) ON CONFLICT DO NOTHING;

-- name: allow
-- They do again.
DELETE FROM suppressed WHERE address = ?;
