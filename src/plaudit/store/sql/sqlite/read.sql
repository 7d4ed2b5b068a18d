-- Lists go on below an id, or below the row that has it where the order is another. A + keeps SQLite from that index.

-- name: next_way
-- From where and to where there is something, by one seek each.
SELECT * FROM (
  SELECT destination_id, source_id FROM deliveries INDEXED BY deliveries_way
  WHERE what = :what AND destination_id = :destination_id AND source_id > :source_id
  ORDER BY source_id LIMIT 1
) UNION ALL SELECT * FROM (
  SELECT destination_id, source_id FROM deliveries INDEXED BY deliveries_way
  WHERE what = :what AND destination_id > :destination_id
  ORDER BY destination_id, source_id LIMIT 1
) LIMIT 1;

-- name: names
-- Whether this is what a selection names.
SELECT (:destination IS NULL OR :destination = (SELECT name FROM destinations WHERE id = :destination_id))
  AND (:source IS NULL OR :source = (SELECT name FROM sources WHERE id = :source_id));

-- name: invitations_of_way
-- Newest first, of one source at one destination; each further condition counts only when it is given.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at, d.payload
FROM deliveries d INDEXED BY deliveries_way
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.what = :what AND d.destination_id = :destination_id AND d.source_id = :source_id
  AND d.id < coalesce(:before, 9223372036854775807) AND (:state IS NULL OR d.state = :state)
  AND (:reason IS NULL OR d.reason = :reason)
ORDER BY d.id DESC LIMIT :limit;

-- name: invitations_of_reason
-- By why they stand where they do, but for what simply went well.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at, d.payload
FROM deliveries d INDEXED BY deliveries_reason
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.reason = :reason AND d.reason <> 'accepted' AND d.id < coalesce(:before, 9223372036854775807)
  AND d.what = :what AND (:state IS NULL OR d.state = :state)
  AND (:destination IS NULL OR t.name = :destination) AND (:source IS NULL OR s.name = :source)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
ORDER BY d.id DESC LIMIT :limit;

-- name: are_there
-- Whether there is any of this kind.
SELECT EXISTS (SELECT 1 FROM destinations t WHERE (:destination IS NULL OR t.name = :destination)
  AND EXISTS (SELECT 1 FROM deliveries d WHERE d.destination_id = t.id AND d.what = :what));

-- name: invitations_of_order
-- By order, over all destinations, by the unique index.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at, d.payload
FROM destinations t
CROSS JOIN deliveries d ON d.destination_id = t.id AND d.what = :what AND d.key = :order_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE +d.id < coalesce(:before, 9223372036854775807) AND (:state IS NULL OR d.state = :state)
  AND (:destination IS NULL OR t.name = :destination) AND (:source IS NULL OR s.name = :source)
  AND (:reason IS NULL OR d.reason = :reason) AND (:recipient IS NULL OR d.recipient = :recipient)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
ORDER BY d.id DESC LIMIT :limit;

-- name: invitations_of_recipient
-- By customer, by the index on the hash of the address.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at, d.payload
FROM deliveries d
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.recipient = :recipient AND +d.id < coalesce(:before, 9223372036854775807) AND d.what = :what
  AND (:state IS NULL OR d.state = :state) AND (:order_id IS NULL OR d.key = :order_id)
  AND (:destination IS NULL OR t.name = :destination) AND (:source IS NULL OR s.name = :source)
  AND (:reason IS NULL OR d.reason = :reason) AND (:since IS NULL OR d.created_at >= :since)
  AND (:until IS NULL OR d.created_at < :until)
ORDER BY d.id DESC LIMIT :limit;

-- name: invitations_in_attention
-- At one destination in one of the states that wait for a person: their index is in the order of ids.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at, d.payload
FROM deliveries d INDEXED BY deliveries_attention
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.destination_id = :destination_id AND d.state = :state AND d.state IN ('failed', 'blocked', 'uncertain', 'refused')
  AND d.id < coalesce(:before, 9223372036854775807) AND d.what = :what
  AND (:order_id IS NULL OR d.key = :order_id) AND (:source IS NULL OR s.name = :source)
  AND (:reason IS NULL OR d.reason = :reason) AND (:recipient IS NULL OR d.recipient = :recipient)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
ORDER BY d.id DESC LIMIT :limit;

-- name: invitations_waiting
-- In one of the states that wait for their time, by the index on those.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at, d.payload
FROM deliveries d INDEXED BY deliveries_due
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.state = :state AND d.state IN ('queued', 'held') AND d.id < coalesce(:before, 9223372036854775807)
  AND d.what = :what AND (:order_id IS NULL OR d.key = :order_id)
  AND (:destination IS NULL OR t.name = :destination) AND (:source IS NULL OR s.name = :source)
  AND (:reason IS NULL OR d.reason = :reason) AND (:recipient IS NULL OR d.recipient = :recipient)
  AND (:since IS NULL OR d.created_at >= :since) AND (:until IS NULL OR d.created_at < :until)
ORDER BY d.id DESC LIMIT :limit;

-- name: invitations_sending
-- Those under way: there are never many.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at, d.payload
FROM deliveries d INDEXED BY deliveries_leased
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.state = 'sending' AND d.id < coalesce(:before, 9223372036854775807) AND d.what = :what
  AND (:order_id IS NULL OR d.key = :order_id) AND (:destination IS NULL OR t.name = :destination)
  AND (:source IS NULL OR s.name = :source) AND (:reason IS NULL OR d.reason = :reason)
  AND (:recipient IS NULL OR d.recipient = :recipient) AND (:since IS NULL OR d.created_at >= :since)
  AND (:until IS NULL OR d.created_at < :until)
ORDER BY d.id DESC LIMIT :limit;

-- name: invitations_cancelled
-- By the index on those.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at, d.payload
FROM deliveries d INDEXED BY deliveries_cancelled
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.state = 'cancelled' AND d.id < coalesce(:before, 9223372036854775807) AND d.what = :what
  AND (:order_id IS NULL OR d.key = :order_id) AND (:destination IS NULL OR t.name = :destination)
  AND (:source IS NULL OR s.name = :source) AND (:reason IS NULL OR d.reason = :reason)
  AND (:recipient IS NULL OR d.recipient = :recipient) AND (:since IS NULL OR d.created_at >= :since)
  AND (:until IS NULL OR d.created_at < :until)
ORDER BY d.id DESC LIMIT :limit;

-- name: invitations_of_time
-- Made in a time, by the index on that.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at, d.payload
FROM deliveries d INDEXED BY deliveries_made
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.created_at >= coalesce(:since, 0) AND d.created_at < coalesce(:until, 9223372036854775807)
  AND (:before IS NULL OR (d.created_at, d.id) < (SELECT b.created_at, b.id FROM deliveries b WHERE b.id = :before))
  AND d.what = :what AND (:state IS NULL OR d.state = :state) AND (:order_id IS NULL OR d.key = :order_id)
  AND (:destination IS NULL OR t.name = :destination) AND (:source IS NULL OR s.name = :source)
  AND (:reason IS NULL OR d.reason = :reason) AND (:recipient IS NULL OR d.recipient = :recipient)
ORDER BY d.created_at DESC, d.id DESC LIMIT :limit;

-- name: many_waiting
-- How many wait for their time, up to some.
SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE state IN ('queued', 'held') LIMIT :most);

-- name: waiting
-- How many of a destination's wait for their time, by state: of so many at most.
SELECT state, count(*) FROM (
  SELECT state FROM deliveries INDEXED BY deliveries_due
  WHERE destination_id = :destination_id AND state IN ('queued', 'held') AND what = 'invitation' LIMIT :most
) GROUP BY 1
UNION ALL
SELECT 'sending', count(*) FROM deliveries INDEXED BY deliveries_leased WHERE state = 'sending' AND destination_id = :destination_id AND what = 'invitation';

-- name: destinations_named
-- All that there ever were, or one of them.
SELECT id FROM destinations WHERE :destination IS NULL OR name = :destination;

-- name: invitation
-- Any delivery, by its id.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at, d.payload,
  CAST(d.call AS TEXT)
FROM deliveries d
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.id = :id;

-- name: attempts
-- Of one delivery.
SELECT a.number, a.started_at, a.finished_at, a.outcome, a.reason, a.message, a.status, a.fault, CAST(x.content AS TEXT)
FROM attempts a LEFT JOIN exchanges x ON x.id = a.exchange_id
WHERE a.delivery_id = ? ORDER BY a.number;

-- name: events
-- Newest first by arrival.
SELECT e.id, s.name, e.message_id, e.type, e.name, e.received_at, e.timestamp, e.order_id, e.disposition, e.detail
FROM events e LEFT JOIN sources s ON s.id = e.source_id
WHERE e.id < coalesce(:before, 9223372036854775807)
  AND (:source IS NULL OR s.name = :source) AND (:order_id IS NULL OR e.order_id = :order_id)
  AND (:orders = 0 OR e.order_id IS NOT NULL)
  AND (:codes IS NULL OR e.disposition IN (SELECT value FROM json_each(:codes))
    OR EXISTS (SELECT 1 FROM dispositions x WHERE x.event_id = e.id AND x.code IN (SELECT value FROM json_each(:codes))))
ORDER BY e.id DESC LIMIT :limit;

-- name: events_of_order
-- Newest first by arrival, by the index on orders.
SELECT e.id, s.name, e.message_id, e.type, e.name, e.received_at, e.timestamp, e.order_id, e.disposition, e.detail
FROM events e LEFT JOIN sources s ON s.id = e.source_id
WHERE e.order_id = :order_id AND e.id < coalesce(:before, 9223372036854775807) AND (:source IS NULL OR s.name = :source)
  AND (:codes IS NULL OR e.disposition IN (SELECT value FROM json_each(:codes))
    OR EXISTS (SELECT 1 FROM dispositions x WHERE x.event_id = e.id AND x.code IN (SELECT value FROM json_each(:codes))))
ORDER BY e.id DESC LIMIT :limit;

-- name: many_orders
-- How many events name an order, up to some.
SELECT count(*) FROM (SELECT 1 FROM events WHERE order_id IS NOT NULL LIMIT :most);

-- name: events_with_order
-- Those that name an order, where they are few, by their index.
SELECT e.id, s.name, e.message_id, e.type, e.name, e.received_at, e.timestamp, e.order_id, e.disposition, e.detail
FROM events e INDEXED BY events_order LEFT JOIN sources s ON s.id = e.source_id
WHERE e.order_id IS NOT NULL AND +e.id < coalesce(:before, 9223372036854775807)
  AND (:source IS NULL OR s.name = :source) AND (:order_id IS NULL OR e.order_id = :order_id)
  AND (:codes IS NULL OR e.disposition IN (SELECT value FROM json_each(:codes))
    OR EXISTS (SELECT 1 FROM dispositions x WHERE x.event_id = e.id AND x.code IN (SELECT value FROM json_each(:codes))))
ORDER BY e.id DESC LIMIT :limit;

-- name: events_of_disposition
-- Newest first by arrival, by the indexes on dispositions: of events as a whole, and at destinations.
SELECT e.id, s.name, e.message_id, e.type, e.name, e.received_at, e.timestamp, e.order_id, e.disposition, e.detail
FROM events e LEFT JOIN sources s ON s.id = e.source_id
WHERE e.id IN (
  SELECT id FROM (SELECT id FROM events WHERE disposition = :disposition AND id < coalesce(:before, 9223372036854775807)
                  ORDER BY id DESC LIMIT :limit)
  UNION
  SELECT event_id FROM (SELECT DISTINCT event_id FROM dispositions
                        WHERE code = :disposition AND event_id < coalesce(:before, 9223372036854775807)
                        ORDER BY event_id DESC LIMIT :limit)
)
ORDER BY e.id DESC LIMIT :limit;

-- name: event
-- By its id.
SELECT e.id, s.name, e.message_id, e.type, e.name, e.received_at, e.timestamp, e.order_id, e.disposition, e.detail
FROM events e LEFT JOIN sources s ON s.id = e.source_id WHERE e.id = :id;

-- name: dispositions
SELECT p.event_id, d.name, p.code, p.detail, p.delivery_id
FROM dispositions p JOIN destinations d ON d.id = p.destination_id
WHERE p.event_id IN (SELECT value FROM json_each(?))
ORDER BY p.event_id, d.name;

-- name: states
-- How many invitations are in each state, per destination: for doctor, not for a hot path.
SELECT t.name, d.state, count(*) FROM deliveries d JOIN destinations t ON t.id = d.destination_id GROUP BY 1, 2 ORDER BY 1, 2;

-- name: attention
-- How many wait for a person, of all or of one kind; each destination has a row, also with none. Runs on
-- deliveries_attention: they are few.
SELECT t.name, d.state, count(d.state) FROM destinations t
LEFT JOIN deliveries d ON d.destination_id = t.id AND d.state IN ('failed', 'blocked', 'uncertain', 'refused')
  AND (:what IS NULL OR d.what = :what)
GROUP BY 1, 2;
