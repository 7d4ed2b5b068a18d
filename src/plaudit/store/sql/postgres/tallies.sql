-- What is counted as it happens: store/tallies.py.

-- name: put_tallies
-- In the order of their keys, which is the lock order.
INSERT INTO tallies (step, at, shard, what, code, number)
SELECT * FROM unnest(%(step)s::bigint[], %(at)s::bigint[], %(shard)s::bigint[], %(what)s::text[], %(code)s::text[],
  %(number)s::bigint[])
ON CONFLICT (step, at, shard, what, code) DO UPDATE SET number = tallies.number + excluded.number;

-- name: tallies
-- By time, over all shards; how long things took, over all of the time.
SELECT at, what, code, sum(number)::bigint FROM tallies
WHERE step = %(step)s::bigint AND at >= %(since)s::bigint AND at < %(until)s::bigint AND what <> 'took'
GROUP BY at, what, code
UNION ALL
SELECT %(since)s::bigint, what, code, sum(number)::bigint FROM tallies
WHERE step = %(step)s::bigint AND at >= %(since)s::bigint AND at < %(until)s::bigint AND what = 'took'
GROUP BY what, code
ORDER BY 1, 2, 3;

-- name: tallies_of
-- The same of what is counted by destination, of one of them.
SELECT at, what, code, sum(number)::bigint FROM tallies
WHERE step = %(step)s::bigint AND at >= %(since)s::bigint AND at < %(until)s::bigint
  AND (what = 'made' AND code = %(destination_id)s::bigint::text
    OR what = 'ended' AND shard = %(destination_id)s::bigint)
GROUP BY at, what, code
UNION ALL
SELECT %(since)s::bigint, what, code, sum(number)::bigint FROM tallies
WHERE step = %(step)s::bigint AND at >= %(since)s::bigint AND at < %(until)s::bigint AND what = 'took'
  AND shard = %(destination_id)s::bigint
GROUP BY what, code
ORDER BY 1, 2, 3;

-- name: prune_tallies
-- Hours of long ago; their days stay.
DELETE FROM tallies WHERE step = %(step)s::bigint AND at < %(before)s::bigint;
