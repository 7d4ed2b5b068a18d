-- People who did something, made without doing the work: each has a user id, an address, and as many events as asked for.

-- name: profiles
WITH RECURSIVE n (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM n WHERE n < :last)
INSERT INTO profiles (id, created_at, merges, traits) SELECT n, :now, 0, '{}' FROM n;

-- name: user_ids
-- The one of each.
INSERT INTO identifiers (type, value, profile_id, first_at, last_at)
SELECT 'user_id', 'user-' || lower(hex(id * 2654435761)), id, :now, :now FROM profiles WHERE id BETWEEN :first AND :last;

-- name: addresses
-- The one of each.
INSERT INTO identifiers (type, value, profile_id, first_at, last_at)
SELECT 'email', id || '@example.com', id, :now, :now FROM profiles WHERE id BETWEEN :first AND :last;

-- name: facts
-- Spread over 90 days, one in three an order; each event stands somewhere else than the others of its person.
WITH RECURSIVE k (k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM k WHERE k < :events - 1)
INSERT INTO facts (id, profile_id, name, timestamp, source_id, properties, context)
SELECT k.k * :people + p.id, p.id, CASE WHEN (k.k + p.id) % 3 = 0 THEN 'Order Completed' ELSE 'Product Viewed' END,
  :now - abs((p.id * 7919 + k.k * 104729) % 7776000) * 1000, 1, :properties, x'7b7d'
FROM profiles p, k WHERE p.id BETWEEN :first AND :last;

-- name: recompute
-- The audience as one would write it by hand: everybody, in one statement.
CREATE TEMP TABLE members AS SELECT profile_id FROM facts
WHERE name = 'Order Completed' AND timestamp > :since GROUP BY profile_id HAVING count(*) >= 1;

-- name: count_members
SELECT count(*) FROM members;
