-- The log in one file. A row is a segment: the entries that shared a commit, as one msgpack array of
-- spec/envelope.py: Entry. Positions count entries and never come again, so the newest segment always stays.

-- name: schema
CREATE TABLE IF NOT EXISTS segments (
  first       INTEGER PRIMARY KEY, -- position of its first entry
  last        INTEGER NOT NULL,    -- position of its last entry
  received_at INTEGER NOT NULL,    -- of its newest entry, ms
  entries     BLOB NOT NULL
);

-- name: head
-- The position of the last entry ever.
SELECT last FROM segments ORDER BY first DESC LIMIT 1;

-- name: append
INSERT INTO segments (first, last, received_at, entries) VALUES (?, ?, ?, ?);

-- name: read
-- From the segment that holds the entry after a position.
SELECT first, entries FROM segments
WHERE first >= coalesce((SELECT first FROM segments WHERE first <= :after + 1 ORDER BY first DESC LIMIT 1), 0)
ORDER BY first;

-- name: old
-- The oldest segments that may go, a few at a time.
SELECT first, last FROM (SELECT first, last, received_at FROM segments ORDER BY first LIMIT :limit)
WHERE last <= :through AND received_at < :before AND first < (SELECT max(first) FROM segments);

-- name: trim
-- Those and no others: a clock that was set back leaves younger ones between them.
DELETE FROM segments WHERE first IN (SELECT value FROM json_each(?));
