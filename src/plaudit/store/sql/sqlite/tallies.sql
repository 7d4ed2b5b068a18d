-- What is counted as it happens: store/tallies.py.

-- name: put_tallies
-- Of many at once.
INSERT INTO tallies (step, at, shard, what, code, number) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (step, at, shard, what, code) DO UPDATE SET number = tallies.number + excluded.number;

-- name: settling
-- When those of these invitations were made whose attempts by this owner have not ended yet.
SELECT id, attempts, created_at FROM deliveries
WHERE id IN (SELECT value FROM json_each(:ids)) AND +what = 'invitation' AND lease_owner = :owner
  AND state IN ('sending', 'uncertain');

-- name: tallies
-- By time, over all shards; how long things took, over all of the time.
SELECT at, what, code, sum(number) FROM tallies
WHERE step = :step AND at >= :since AND at < :until AND what <> 'took' GROUP BY at, what, code
UNION ALL
SELECT :since, what, code, sum(number) FROM tallies
WHERE step = :step AND at >= :since AND at < :until AND what = 'took' GROUP BY what, code
ORDER BY 1, 2, 3;

-- name: tallies_of
-- The same of what is counted by destination, of one of them.
SELECT at, what, code, sum(number) FROM tallies
WHERE step = :step AND at >= :since AND at < :until
  AND (what = 'made' AND code = CAST(:destination_id AS TEXT) OR what = 'ended' AND shard = :destination_id)
GROUP BY at, what, code
UNION ALL
SELECT :since, what, code, sum(number) FROM tallies
WHERE step = :step AND at >= :since AND at < :until AND what = 'took' AND shard = :destination_id GROUP BY what, code
ORDER BY 1, 2, 3;

-- name: prune_tallies
-- Hours of long ago; their days stay.
DELETE FROM tallies WHERE step = :step AND at < :before;
