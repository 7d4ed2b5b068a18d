-- Orders that are not invited because of whom they are for: people who were forgotten, and customers who are to be
-- invited for another order. Older code neither sees nor needs any of it.

CREATE TABLE suppressed (
  address text COLLATE "C" PRIMARY KEY, -- a keyed hash of it (secrets.py): without the installation's key it tells nothing
  at      bigint NOT NULL
);

-- The invitation of the same customer that this one had to stand back for. Should that be cancelled, this one is made.
ALTER TABLE deliveries ADD COLUMN behind bigint;
CREATE INDEX deliveries_behind ON deliveries (behind) WHERE behind IS NOT NULL;
