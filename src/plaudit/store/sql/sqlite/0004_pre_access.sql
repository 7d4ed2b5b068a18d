-- Who may use the console and the API, and what they did there. Nothing that opens a door is kept, only its hash.
--
--   people ── sessions                        who signs in, and who is signed in
--   tokens                                    what programs sign in with
--   links                                     the way in while there is nobody
--   audit                                     who did what, for ever; no secret and no customer's address
--   replies                                   what was answered to requests that may come again

CREATE TABLE people (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL UNIQUE,   -- what they sign in with, in lower case
  role       TEXT NOT NULL,          -- store/access.py: Role
  password   TEXT NOT NULL,          -- argon2id
  active     INTEGER NOT NULL,       -- 0: removed; the audit log still names them
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
  hash       BLOB PRIMARY KEY,
  person_id  INTEGER NOT NULL REFERENCES people,
  created_at INTEGER NOT NULL,
  until      INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE INDEX sessions_person ON sessions (person_id);

CREATE TABLE tokens (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL,
  hash       BLOB NOT NULL UNIQUE,
  role       TEXT NOT NULL,
  active     INTEGER NOT NULL,       -- 0: removed; the audit log still names it
  created_at INTEGER NOT NULL,
  used_at    INTEGER                 -- to the minute
) STRICT;

CREATE TABLE links (
  hash  BLOB PRIMARY KEY,
  until INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE audit (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  at        INTEGER NOT NULL,
  via       TEXT NOT NULL,           -- store/access.py: Via
  who       INTEGER,                 -- of people, or of tokens; null: whoever may run commands here
  action    TEXT NOT NULL,
  about     TEXT NOT NULL,
  detail    TEXT NOT NULL
) STRICT;

CREATE TABLE replies (
  hash        BLOB PRIMARY KEY,      -- of who asked and of the key that they gave
  fingerprint BLOB NOT NULL,         -- of what they asked
  reply       BLOB,                  -- sealed; null: it is being done
  at          INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE INDEX replies_age ON replies (at);
