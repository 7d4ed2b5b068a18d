-- What deliveries were before people decided about them, so that a decision can be undone. Older code neither sees nor
-- needs it: what it decides cannot be undone.

CREATE TABLE decided (
  decision_id INTEGER NOT NULL,      -- of audit: who decided, and about what
  delivery_id INTEGER NOT NULL,
  decided     TEXT NOT NULL,         -- store/decisions.py: Decided
  at          INTEGER NOT NULL,
  state       TEXT NOT NULL,         -- from here on: as it was before
  reason      TEXT,
  message     TEXT,
  due_at      INTEGER NOT NULL,
  first_attempt_at INTEGER,
  undone_at   INTEGER,
  PRIMARY KEY (decision_id, delivery_id)
) WITHOUT ROWID, STRICT;

CREATE INDEX decided_delivery ON decided (delivery_id);
