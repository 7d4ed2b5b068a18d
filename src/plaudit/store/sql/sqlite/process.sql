-- name: cursor
SELECT position FROM cursors WHERE reader = ? AND partition = ?;

-- name: start_cursor
INSERT INTO cursors (reader, partition, position) VALUES (?, ?, 0) ON CONFLICT DO NOTHING;

-- name: move_cursor
-- Only from where the batch was read: if another process was quicker, nothing moves and all is undone.
UPDATE cursors SET position = ? WHERE reader = ? AND partition = ? AND position = ?;

-- name: put_event
-- Of many at once; one whose message id is known already is passed over.
INSERT INTO events (id, source_id, message_id, type, name, received_at, timestamp, order_id, disposition, detail, first)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (source_id, message_id) WHERE first = 1 DO NOTHING;

-- name: events_there
-- Which of these ids are there, when some were passed over.
SELECT id FROM events WHERE id IN (SELECT value FROM json_each(?));

-- name: put_other_event
-- A duplicate, or an event that was refused: neither keeps a later one with its message id out.
INSERT INTO events (id, source_id, message_id, type, name, received_at, timestamp, order_id, disposition, detail, first)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0);

-- name: first_event
SELECT id FROM events WHERE source_id = ? AND message_id = ? AND first = 1;

-- name: put_invitation
-- The one place where invitations are made, many at once; a second one for an order is passed over.
INSERT INTO invitations (id, destination_id, order_id, source_id, event_id, payload, state, created_at, due_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (destination_id, order_id) DO NOTHING;

-- name: last_invitation
-- The highest id ever given.
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'invitations'), 0);

-- name: invitations_there
SELECT id FROM invitations WHERE id IN (SELECT value FROM json_each(?));

-- name: invitation_of_order
SELECT id, state, created_at FROM invitations WHERE destination_id = ? AND order_id = ?;

-- name: put_disposition
INSERT INTO dispositions (event_id, destination_id, code, detail, invitation_id) VALUES (?, ?, ?, ?, ?);

-- name: prune_events
-- Events age out, the oldest first and a few at a time; invitations never do.
DELETE FROM events WHERE id IN (
  SELECT id FROM (SELECT id, received_at FROM events ORDER BY id LIMIT ?) WHERE received_at < ?
) RETURNING id;

-- name: prune_dispositions
DELETE FROM dispositions WHERE event_id = ?;
