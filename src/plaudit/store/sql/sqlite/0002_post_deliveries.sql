-- The ledger takes more than invitations, knows its customers again, and remembers cancellations.
--
--   events ── dispositions ── deliveries ── attempts      a delivery is an invitation, or a call that is passed on
--   cancellations                                         orders that were taken back, also before they came

CREATE TABLE deliveries (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  destination_id INTEGER NOT NULL,
  what           TEXT NOT NULL,      -- destinations/base.py: What
  key            TEXT NOT NULL,      -- an invitation's order id; a call's message id
  source_id      INTEGER NOT NULL,
  event_id       INTEGER NOT NULL,
  payload        BLOB,               -- spec/order.py: Order, JSON; null for what is no invitation
  call           BLOB,               -- the event as JSON, where the channel passes that on
  recipient      INTEGER,            -- a hash of the customer's address: spec/email.py
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
  UNIQUE (destination_id, what, key) -- the promise
) STRICT;

INSERT INTO deliveries (id, destination_id, what, key, source_id, event_id, payload, recipient, state, reason,
  message, attempts, created_at, due_at, first_attempt_at, updated_at, lease_owner, lease_until)
SELECT id, destination_id, 'invitation', order_id, source_id, event_id, payload,
  recipient(json_extract(payload, '$.email')), state, reason, message, attempts,
  created_at, due_at, first_attempt_at, updated_at, lease_owner, lease_until
FROM invitations ORDER BY id;

UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'invitations'), 0))
WHERE name = 'deliveries';

DROP TABLE invitations;

CREATE INDEX deliveries_due ON deliveries (destination_id, source_id, due_at) WHERE state IN ('queued', 'held');
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE state = 'sending';
CREATE INDEX deliveries_attention ON deliveries (destination_id, state)
  WHERE state IN ('failed', 'blocked', 'uncertain', 'refused');
CREATE INDEX deliveries_recipient ON deliveries (recipient) WHERE recipient IS NOT NULL;

ALTER TABLE attempts RENAME COLUMN invitation_id TO delivery_id;
ALTER TABLE attempts ADD COLUMN fault TEXT NOT NULL DEFAULT 'vendor'; -- destinations/base.py: Fault
ALTER TABLE dispositions RENAME COLUMN invitation_id TO delivery_id;

CREATE TABLE cancellations (
  destination_id INTEGER NOT NULL,
  order_id       TEXT NOT NULL,
  at             INTEGER NOT NULL,   -- the event's own time
  event          TEXT NOT NULL,
  amount         REAL,               -- null: the whole order
  PRIMARY KEY (destination_id, order_id, at)
) WITHOUT ROWID, STRICT;

-- The source of what Segment sends to a destination's own address; null: a source with a write key.
ALTER TABLE sources ADD COLUMN destination_id INTEGER REFERENCES destinations;
