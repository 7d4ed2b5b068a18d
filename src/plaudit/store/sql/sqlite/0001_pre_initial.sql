-- The whole of the first schema. Times are ms since 1970 UTC. Read the tables in the order of the event's path.
--
--   sources ──connections── destinations      what is configured; secrets are sealed (secrets.py)
--   events ── dispositions                    what came in, and what became of it at each destination
--   invitations ── attempts                   the ledger: one row per (destination, order) for ever
--   cursors                                   how far each reader of the log has come, in the same transaction
--                                             as what it did

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

INSERT INTO meta VALUES ('config_version', 1);

CREATE TABLE sources (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  write_key  BLOB NOT NULL,          -- sealed
  active     INTEGER NOT NULL,       -- 0: taken out of the configuration; its events stay
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE destinations (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  type       TEXT NOT NULL,
  settings   BLOB NOT NULL,          -- sealed JSON
  active     INTEGER NOT NULL,       -- 0: taken out of the configuration; its ledger stays
  created_at INTEGER NOT NULL,
  paused_at      INTEGER,            -- set when an answer blocked it; applying the configuration clears it
  paused_reason  TEXT,
  paused_message TEXT
) STRICT;

CREATE TABLE connections (
  source_id      INTEGER NOT NULL REFERENCES sources,
  destination_id INTEGER NOT NULL REFERENCES destinations,
  PRIMARY KEY (source_id, destination_id)
) WITHOUT ROWID, STRICT;

CREATE TABLE cursors (
  reader    TEXT NOT NULL,
  partition INTEGER NOT NULL,
  position  INTEGER NOT NULL,
  PRIMARY KEY (reader, partition)
) WITHOUT ROWID, STRICT;

CREATE TABLE events (
  id           INTEGER PRIMARY KEY,  -- spec/envelope.py: event_id
  source_id    INTEGER NOT NULL,
  message_id   TEXT NOT NULL,
  type         TEXT NOT NULL,
  name         TEXT,                 -- of a track call
  received_at  INTEGER NOT NULL,
  timestamp    INTEGER NOT NULL,
  order_id     TEXT,
  disposition  TEXT,                 -- what became of the event as a whole; null: see dispositions
  detail       TEXT,
  first        INTEGER NOT NULL      -- 1: the first accepted event with its message id; 0: a duplicate, or refused
) STRICT;

-- Deduplication by message id, per source, for as long as events are kept.
CREATE UNIQUE INDEX events_message ON events (source_id, message_id) WHERE first = 1;

CREATE TABLE dispositions (
  event_id       INTEGER NOT NULL,
  destination_id INTEGER NOT NULL,
  code           TEXT NOT NULL,
  detail         TEXT,
  invitation_id  INTEGER,            -- the one that it made, or that it duplicates
  PRIMARY KEY (event_id, destination_id)
) WITHOUT ROWID, STRICT;

CREATE TABLE invitations (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  destination_id INTEGER NOT NULL,
  order_id       TEXT NOT NULL,
  source_id      INTEGER NOT NULL,
  event_id       INTEGER NOT NULL,
  payload        BLOB NOT NULL,      -- spec/order.py: Order, JSON
  state          TEXT NOT NULL,      -- destinations/base.py: State
  reason         TEXT,
  message        TEXT,
  attempts       INTEGER NOT NULL DEFAULT 0,
  created_at     INTEGER NOT NULL,
  due_at         INTEGER NOT NULL,
  first_attempt_at INTEGER,          -- the retry window starts here
  updated_at     INTEGER NOT NULL,
  lease_owner    TEXT,
  lease_until    INTEGER,
  UNIQUE (destination_id, order_id)  -- the promise
) STRICT;

CREATE INDEX invitations_due ON invitations (destination_id, due_at) WHERE state = 'queued';
CREATE INDEX invitations_leased ON invitations (lease_until) WHERE state = 'sending';
CREATE INDEX invitations_attention ON invitations (destination_id, state)
  WHERE state IN ('failed', 'blocked', 'uncertain', 'refused');

CREATE TABLE attempts (
  invitation_id INTEGER NOT NULL,
  number        INTEGER NOT NULL,
  started_at    INTEGER NOT NULL,
  finished_at   INTEGER NOT NULL,
  outcome       TEXT NOT NULL,       -- destinations/base.py: Outcome
  reason        TEXT NOT NULL,
  message       TEXT NOT NULL,
  status        INTEGER NOT NULL,    -- of the last answer; 0: none
  PRIMARY KEY (invitation_id, number)
) WITHOUT ROWID, STRICT;
