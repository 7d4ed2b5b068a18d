-- name: put_delivery
-- The one place where deliveries are made, many at once; a second one for an order is passed over.
INSERT INTO deliveries (id, destination_id, what, key, source_id, event_id, payload, call, recipient, state, created_at,
  due_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (destination_id, what, key) DO NOTHING;

-- name: last_delivery
-- The highest id ever given.
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'), 0);

-- name: deliveries_there
SELECT id FROM deliveries WHERE id IN (SELECT value FROM json_each(?));

-- name: delivery_of_key
SELECT id, state, reason, created_at, payload, event_id FROM deliveries WHERE destination_id = ? AND what = ? AND key = ?;

-- name: invited_before
-- The customer's last invitation that was made or may have been, from other orders; the hash may have namesakes.
SELECT id, key, payload, created_at, state FROM deliveries
WHERE recipient = :recipient AND destination_id = :destination_id AND what = 'invitation' AND key <> :order_id
  AND state NOT IN ('cancelled', 'refused', 'failed') AND created_at > :since
ORDER BY id DESC;

-- name: make_anew
-- A row that surely invited nobody takes another content, and is sent.
UPDATE deliveries SET payload = :payload, call = :call, recipient = :recipient, event_id = :event_id, state = :state,
  due_at = :due_at, updated_at = :now, first_attempt_at = NULL, reason = NULL, message = NULL, behind = NULL,
  created_at = CASE WHEN reason = 'customer_invited_before' THEN :now ELSE created_at END
WHERE id = :id AND state IN ('cancelled', 'refused');

-- name: stand_back
-- A delivery that was just made is none as long as another one of its customer is not cancelled.
UPDATE deliveries SET state = 'cancelled', reason = 'customer_invited_before', message = :message, behind = :behind
WHERE id = :id;

-- name: standing_back
-- Those that had to stand back for deliveries (ids as a JSON array) which invite nobody now, the oldest first.
SELECT d.id, d.behind, d.destination_id, d.event_id
FROM json_each(?) AS j
JOIN deliveries a ON a.id = j.value AND a.state IN ('cancelled', 'refused', 'failed')
JOIN deliveries d ON d.behind = a.id AND d.state = 'cancelled'
ORDER BY d.id;

-- name: step_forward
-- The first of them is made.
UPDATE deliveries SET state = CASE WHEN due_at > :now THEN 'held' ELSE 'queued' END, reason = NULL, message = NULL,
  behind = NULL, created_at = :now, updated_at = :now
WHERE id = :id;

-- name: stand_behind
-- The others go on standing back, for that one.
UPDATE deliveries SET behind = ? WHERE id = ?;

-- name: stepped_forward
SELECT id FROM deliveries WHERE id IN (SELECT value FROM json_each(?)) AND behind IS NULL AND state IN ('held', 'queued');

-- name: any_suppressed
SELECT EXISTS (SELECT 1 FROM suppressed);

-- name: suppressed_among
SELECT address FROM suppressed WHERE address IN (SELECT value FROM json_each(?));

-- name: put_cancellation
-- Each is kept: a later one of a part takes nothing from an earlier one of all.
INSERT INTO cancellations (destination_id, order_id, at, event, amount) VALUES (:destination_id, :order_id, :at, :event, :amount)
ON CONFLICT (destination_id, order_id, at) DO UPDATE SET event = excluded.event, amount = excluded.amount
WHERE cancellations.amount IS NOT NULL AND (excluded.amount IS NULL OR excluded.amount > cancellations.amount);

-- name: any_cancellation
SELECT EXISTS (SELECT 1 FROM cancellations);

-- name: cancelled_among
-- Which of these deliveries belong to orders that were taken back.
SELECT d.id, d.state, d.payload, c.order_id, c.at, c.event, c.amount
FROM json_each(?) AS j
JOIN deliveries d ON d.id = j.value AND +d.what = 'invitation'
JOIN cancellations c ON c.destination_id = d.destination_id AND c.order_id = d.key;

-- name: cancel
-- Only what surely invited nobody, and is not under way.
UPDATE deliveries SET state = 'cancelled', reason = :reason, message = :message, updated_at = :now
WHERE id = :id AND state IN ('held', 'queued', 'blocked', 'failed', 'refused');
