-- Profiles: who did what, what is known of them, what audiences and traits that comes to, what destinations were told.
--
--   profiles ── identifiers                  a person, and the names that events know them by
--            └─ facts                        what they did; as long as --keep-facts says
--   definitions ── computed                  audiences and traits, and the value of each for each person
--               └─ syncs ── told, sync_runs  what goes to a destination, and what it was told last

CREATE TABLE profiles (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  created_at INTEGER NOT NULL,       -- the time of the first event
  merges     INTEGER NOT NULL DEFAULT 0,
  traits     TEXT NOT NULL           -- JSON: name: [value, since]
) STRICT;

CREATE TABLE identifiers (
  type       TEXT NOT NULL,
  value      TEXT NOT NULL,
  profile_id INTEGER NOT NULL,
  first_at   INTEGER NOT NULL,
  last_at    INTEGER NOT NULL,
  PRIMARY KEY (type, value)
) WITHOUT ROWID, STRICT;

CREATE INDEX identifiers_profile ON identifiers (profile_id);

CREATE TABLE facts (
  id         INTEGER PRIMARY KEY,    -- the event's
  profile_id INTEGER NOT NULL,
  name       TEXT NOT NULL,
  timestamp  INTEGER NOT NULL,       -- the event's own time
  source_id  INTEGER NOT NULL,
  properties BLOB NOT NULL,          -- JSON
  context    BLOB NOT NULL           -- JSON
) STRICT;

CREATE INDEX facts_profile ON facts (profile_id, name, timestamp, source_id);

CREATE TABLE definitions (
  id         INTEGER PRIMARY KEY,
  kind       TEXT NOT NULL,          -- audience, trait
  name       TEXT NOT NULL,          -- in the configuration
  key        TEXT NOT NULL UNIQUE,   -- the property's name downstream, for ever
  title      TEXT NOT NULL,
  query      TEXT NOT NULL,
  options    TEXT NOT NULL,          -- engage/definitions.py: Options, JSON
  enabled    INTEGER NOT NULL,
  active     INTEGER NOT NULL,       -- 0: taken out of the configuration
  created_at INTEGER NOT NULL,
  backfill   INTEGER NOT NULL DEFAULT 0, -- profiles up to this id are evaluated by today's query
  backfilled_at INTEGER,             -- null: not all are yet
  UNIQUE (kind, name)
) STRICT;

CREATE TABLE computed (
  definition_id  INTEGER NOT NULL,
  profile_id     INTEGER NOT NULL,
  value          TEXT NOT NULL,      -- JSON
  since          INTEGER NOT NULL,
  next_change_at INTEGER,            -- when it may become another one with no event
  PRIMARY KEY (profile_id, definition_id)
) WITHOUT ROWID, STRICT;

CREATE INDEX computed_due ON computed (next_change_at) WHERE next_change_at IS NOT NULL;
CREATE INDEX computed_members ON computed (definition_id, profile_id) WHERE value NOT IN ('false', 'null');

CREATE TABLE syncs (
  definition_id  INTEGER NOT NULL,
  destination_id INTEGER NOT NULL,
  active         INTEGER NOT NULL,
  phase          TEXT NOT NULL,      -- store/profiles.py: Phase
  cursor         INTEGER NOT NULL DEFAULT 0, -- of a run: profiles up to this id have had their turn
  due_at         INTEGER,            -- when the next run begins, for those that come in batches
  run            INTEGER,            -- the one under way
  PRIMARY KEY (definition_id, destination_id)
) WITHOUT ROWID, STRICT;

CREATE TABLE sync_runs (
  id             INTEGER PRIMARY KEY,
  definition_id  INTEGER NOT NULL,
  destination_id INTEGER NOT NULL,
  kind           TEXT NOT NULL,      -- first, scheduled, leaving
  started_at     INTEGER NOT NULL,
  ended_at       INTEGER,
  total          INTEGER NOT NULL,   -- profiles to look at, as counted when it began
  looked_at      INTEGER NOT NULL DEFAULT 0,
  added          INTEGER NOT NULL DEFAULT 0,
  removed        INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX sync_runs_of ON sync_runs (definition_id, destination_id);

CREATE TABLE told (
  definition_id  INTEGER NOT NULL,
  destination_id INTEGER NOT NULL,
  profile_id     INTEGER NOT NULL,
  value          TEXT NOT NULL,      -- JSON: the last one
  times          INTEGER NOT NULL,   -- how many times it was told one
  deliveries     TEXT NOT NULL,      -- JSON: those of the last time
  PRIMARY KEY (definition_id, destination_id, profile_id)
) WITHOUT ROWID, STRICT;

CREATE INDEX told_profile ON told (profile_id);
