-- Lists go on below an id, or below the row that has it where the order is another.

-- name: invitations
-- Newest first, source by source at each destination, each in the order of its index; each further condition counts only
-- when it is given.
WITH RECURSIVE ways AS (
  (SELECT destination_id, source_id FROM deliveries WHERE what = %(what)s::text
   ORDER BY destination_id, source_id LIMIT 1)
  UNION ALL
  SELECT n.destination_id, n.source_id FROM ways w CROSS JOIN LATERAL (
    SELECT d.destination_id, d.source_id FROM deliveries d
    WHERE d.what = %(what)s::text AND (d.destination_id, d.source_id) > (w.destination_id, w.source_id)
    ORDER BY d.destination_id, d.source_id LIMIT 1
  ) AS n
), chosen AS MATERIALIZED (
  SELECT w.destination_id, w.source_id, t.name AS destination, s.name AS source
  FROM ways w JOIN destinations t ON t.id = w.destination_id LEFT JOIN sources s ON s.id = w.source_id
  WHERE (%(destination)s::text IS NULL OR t.name = %(destination)s::text)
    AND (%(source)s::text IS NULL OR s.name = %(source)s::text)
)
SELECT d.id, c.destination, d.what, d.key, c.source, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at,
  d.updated_at, d.payload
FROM chosen c CROSS JOIN LATERAL (
  SELECT * FROM deliveries d
  WHERE d.what = %(what)s::text AND d.destination_id = c.destination_id AND d.source_id = c.source_id
    AND (%(state)s::text IS NULL OR d.state = %(state)s::text)
    AND (%(reason)s::text IS NULL OR d.reason = %(reason)s::text)
    AND (%(before)s::bigint IS NULL OR d.id < %(before)s::bigint)
  ORDER BY d.id DESC LIMIT %(limit)s::bigint
) AS d
ORDER BY d.id DESC LIMIT %(limit)s::bigint;

-- name: invitations_of_some
-- By an order, a customer, or a reason: newest first; each condition counts only when it is given.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at,
  d.payload
FROM deliveries d
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
  AND (%(before)s::bigint IS NULL OR d.id < %(before)s::bigint)
ORDER BY d.id DESC LIMIT %(limit)s::bigint;

-- name: invitations_in_attention
-- In one of the states that wait for a person, destination by destination: their index is in the order of ids.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at,
  d.payload
FROM destinations t CROSS JOIN LATERAL (
  SELECT * FROM deliveries d
  WHERE d.destination_id = t.id AND d.state = %(state)s::text AND d.state IN ('failed', 'blocked', 'uncertain', 'refused')
    AND d.what = %(what)s::text AND (%(reason)s::text IS NULL OR d.reason = %(reason)s::text)
    AND (%(source)s::text IS NULL OR d.source_id IN (SELECT id FROM sources WHERE name = %(source)s::text))
    AND (%(since)s::bigint IS NULL OR d.created_at >= %(since)s::bigint)
    AND (%(until)s::bigint IS NULL OR d.created_at < %(until)s::bigint)
    AND (%(before)s::bigint IS NULL OR d.id < %(before)s::bigint)
  ORDER BY d.id DESC LIMIT %(limit)s::bigint
) AS d
LEFT JOIN sources s ON s.id = d.source_id
WHERE %(destination)s::text IS NULL OR t.name = %(destination)s::text
ORDER BY d.id DESC LIMIT %(limit)s::bigint;

-- name: invitations_of_time
-- The same in the order in which they were made, which is that of an index.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at,
  d.payload
FROM deliveries d
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
  AND (%(before)s::bigint IS NULL
    OR (d.created_at, d.id) < (SELECT b.created_at, b.id FROM deliveries b WHERE b.id = %(before)s::bigint))
ORDER BY d.created_at DESC, d.id DESC LIMIT %(limit)s::bigint;

-- name: invitation
-- Any delivery, by its id.
SELECT d.id, t.name, d.what, d.key, s.name, d.state, d.reason, d.message, d.attempts, d.created_at, d.due_at, d.updated_at,
  d.payload, d.call
FROM deliveries d
JOIN destinations t ON t.id = d.destination_id
LEFT JOIN sources s ON s.id = d.source_id
WHERE d.id = %(id)s::bigint;

-- name: attempts
-- Of one delivery.
SELECT a.number, a.started_at, a.finished_at, a.outcome, a.reason, a.message, a.status, a.fault, x.content
FROM attempts a LEFT JOIN exchanges x ON x.id = a.exchange_id
WHERE a.delivery_id = %(delivery_id)s::bigint ORDER BY a.number;

-- name: waiting
-- How many of a destination's wait for their time, by state: of so many at most.
SELECT state, count(*) FROM (
  SELECT state FROM deliveries
  WHERE destination_id = %(destination_id)s::bigint AND state IN ('queued', 'held') AND what = 'invitation'
  LIMIT %(most)s::bigint
) AS w GROUP BY 1
UNION ALL
SELECT 'sending', count(*) FROM deliveries
WHERE state = 'sending' AND destination_id = %(destination_id)s::bigint AND what = 'invitation';

-- name: events
-- Newest first by arrival.
SELECT e.id, s.name, e.message_id, e.type, e.name, e.received_at, e.timestamp, e.order_id, e.disposition, e.detail
FROM events e LEFT JOIN sources s ON s.id = e.source_id
WHERE (%(source)s::text IS NULL OR s.name = %(source)s::text)
  AND (%(order_id)s::text IS NULL OR e.order_id = %(order_id)s::text)
  AND (NOT %(orders)s::boolean OR e.order_id IS NOT NULL)
  AND (%(codes)s::text[] IS NULL OR e.disposition = ANY (%(codes)s::text[])
    OR EXISTS (SELECT 1 FROM dispositions x WHERE x.event_id = e.id AND x.code = ANY (%(codes)s::text[])))
  AND (%(before)s::bigint IS NULL
    OR (e.received_at, e.id) < (SELECT b.received_at, b.id FROM events b WHERE b.id = %(before)s::bigint))
ORDER BY e.received_at DESC, e.id DESC LIMIT %(limit)s::bigint;

-- name: many_events
-- How many events have these dispositions, up to some.
SELECT (SELECT count(*) FROM (
    SELECT 1 FROM events WHERE disposition = ANY (%(codes)s::text[]) LIMIT %(most)s::bigint) AS e)
  + (SELECT count(*) FROM (
    SELECT 1 FROM dispositions WHERE code = ANY (%(codes)s::text[]) AND code <> 'invited' LIMIT %(most)s::bigint) AS x);

-- name: many_orders
-- How many events name an order, up to some.
SELECT count(*) FROM (SELECT 1 FROM events WHERE order_id IS NOT NULL LIMIT %(most)s::bigint) AS e;

-- name: events_of_some
-- Those with these dispositions, where they are few: newest first.
WITH few AS MATERIALIZED (
  SELECT id FROM events WHERE disposition = ANY (%(codes)s::text[])
  UNION
  SELECT event_id FROM dispositions WHERE code = ANY (%(codes)s::text[]) AND code <> 'invited'
)
SELECT e.id, s.name, e.message_id, e.type, e.name, e.received_at, e.timestamp, e.order_id, e.disposition, e.detail
FROM few JOIN events e ON e.id = few.id LEFT JOIN sources s ON s.id = e.source_id
WHERE (%(source)s::text IS NULL OR s.name = %(source)s::text)
  AND (%(order_id)s::text IS NULL OR e.order_id = %(order_id)s::text)
  AND (NOT %(orders)s::boolean OR e.order_id IS NOT NULL)
  AND (%(before)s::bigint IS NULL
    OR (e.received_at, e.id) < (SELECT b.received_at, b.id FROM events b WHERE b.id = %(before)s::bigint))
ORDER BY e.received_at DESC, e.id DESC LIMIT %(limit)s::bigint;

-- name: events_with_order
-- Those that name an order, where they are few: newest first.
WITH few AS MATERIALIZED (SELECT id FROM events WHERE order_id IS NOT NULL)
SELECT e.id, s.name, e.message_id, e.type, e.name, e.received_at, e.timestamp, e.order_id, e.disposition, e.detail
FROM few JOIN events e ON e.id = few.id LEFT JOIN sources s ON s.id = e.source_id
WHERE (%(source)s::text IS NULL OR s.name = %(source)s::text)
  AND (%(before)s::bigint IS NULL
    OR (e.received_at, e.id) < (SELECT b.received_at, b.id FROM events b WHERE b.id = %(before)s::bigint))
ORDER BY e.received_at DESC, e.id DESC LIMIT %(limit)s::bigint;

-- name: event
-- By its id.
SELECT e.id, s.name, e.message_id, e.type, e.name, e.received_at, e.timestamp, e.order_id, e.disposition, e.detail
FROM events e LEFT JOIN sources s ON s.id = e.source_id WHERE e.id = %(id)s::bigint;

-- name: dispositions
SELECT p.event_id, d.name, p.code, p.detail, p.delivery_id
FROM dispositions p JOIN destinations d ON d.id = p.destination_id
WHERE p.event_id = ANY (%(ids)s::bigint[])
ORDER BY p.event_id, d.name;

-- name: states
-- How many invitations are in each state, per destination: for doctor, not for a hot path.
SELECT t.name, d.state, count(*) FROM deliveries d JOIN destinations t ON t.id = d.destination_id GROUP BY 1, 2 ORDER BY 1, 2;

-- name: attention
-- How many wait for a person, of all or of one kind; each destination has a row, also with none. Runs on
-- deliveries_attention: they are few.
SELECT t.name, d.state, count(d.state) FROM destinations t
LEFT JOIN deliveries d ON d.destination_id = t.id AND d.state IN ('failed', 'blocked', 'uncertain', 'refused')
  AND (%(what)s::text IS NULL OR d.what = %(what)s::text)
GROUP BY 1, 2;
