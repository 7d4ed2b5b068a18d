-- The log in one file: one row a request. See spec/envelope.py for what an entry holds.

-- name: schema
-- AUTOINCREMENT: positions never come again, also after a trim, since cursors and event ids rest on them.
CREATE TABLE IF NOT EXISTS entries (
  position    INTEGER PRIMARY KEY AUTOINCREMENT,
  received_at INTEGER NOT NULL,
  entry       BLOB NOT NULL
);

-- name: append
INSERT INTO entries (received_at, entry) VALUES (?, ?);

-- name: read
SELECT position, entry FROM entries WHERE position > ? ORDER BY position LIMIT ?;

-- name: head
-- The position of the last entry ever.
SELECT seq FROM sqlite_sequence WHERE name = 'entries';

-- name: trim
-- Forget the oldest, a few at a time.
DELETE FROM entries WHERE position IN (
  SELECT position FROM (SELECT position, received_at FROM entries WHERE position <= ? ORDER BY position LIMIT ?)
  WHERE received_at < ?
);
