-- What deliveries were before people decided about them, so that a decision can be undone. Older code neither sees nor
-- needs it: what it decides cannot be undone.

CREATE TABLE decided (
  decision_id bigint NOT NULL,       -- of audit: who decided, and about what
  delivery_id bigint NOT NULL,
  decided     text NOT NULL,         -- store/decisions.py: Decided
  at          bigint NOT NULL,
  state       text NOT NULL,         -- from here on: as it was before
  reason      text,
  message     text,
  due_at      bigint NOT NULL,
  first_attempt_at bigint,
  undone_at   bigint,
  PRIMARY KEY (decision_id, delivery_id)
);

CREATE INDEX decided_delivery ON decided (delivery_id);
