-- name: share
-- While this is shared, no configuration is applied and no sync moves its cursor: what a portion reads of them holds
-- until it ends.
SELECT pg_advisory_xact_lock_shared(hashtext(current_schema()), hashtext('profiles'));

-- name: have_alone
-- The other side of it.
SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext('profiles'));

-- name: try
-- One process at a time does portions of this.
SELECT pg_try_advisory_xact_lock(hashtext(current_schema()), hashtext(%(what)s::text));

-- name: not_first
-- Which of these events count for nothing: duplicates, and those that were refused.
SELECT id FROM events WHERE id = ANY (%(ids)s::bigint[]) AND NOT first;

-- name: lock_identifiers
-- Nobody else gives these names to a profile meanwhile. In order: that is the lock order.
SELECT pg_advisory_xact_lock(k) FROM (
  SELECT DISTINCT hashtextextended(g.type || ':' || g.value, 0) AS k
  FROM unnest(%(type)s::text[], %(value)s::text[]) AS g (type, value) ORDER BY k
) AS sorted;

-- name: matching
-- The profiles that these identifiers belong to.
SELECT DISTINCT i.profile_id FROM unnest(%(type)s::text[], %(value)s::text[]) AS g (type, value)
JOIN identifiers i ON i.type = g.type AND i.value = g.value;

-- name: named
-- Whose these identifiers are.
SELECT i.type, i.value, i.profile_id FROM unnest(%(type)s::text[], %(value)s::text[]) AS g (type, value)
JOIN identifiers i ON i.type = g.type AND i.value = g.value;

-- name: lock_profiles
-- In the order of their ids, which is the lock order.
SELECT id FROM profiles WHERE id = ANY (%(ids)s::bigint[]) ORDER BY id FOR UPDATE;

-- name: lock_free_profiles
-- Those that no other process has in hand.
SELECT id FROM profiles WHERE id = ANY (%(ids)s::bigint[]) ORDER BY id FOR UPDATE SKIP LOCKED;

-- name: profiles
SELECT id, created_at, merges, traits FROM profiles WHERE id = ANY (%(ids)s::bigint[]);

-- name: identifiers
-- All that these profiles are known by.
SELECT profile_id, type, value, first_at, last_at FROM identifiers WHERE profile_id = ANY (%(ids)s::bigint[]);

-- name: new_ids
SELECT nextval('profile_ids') FROM generate_series(1, %(count)s::bigint);

-- name: put_profiles
-- New, or with other traits or merges than before.
INSERT INTO profiles (id, created_at, merges, traits)
SELECT * FROM unnest(%(id)s::bigint[], %(created_at)s::bigint[], %(merges)s::bigint[], %(traits)s::text[])
ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, merges = excluded.merges, traits = excluded.traits;

-- name: put_identifiers
-- Also those that move to the profile that their own was merged into.
INSERT INTO identifiers (type, value, profile_id, first_at, last_at)
SELECT * FROM unnest(%(type)s::text[], %(value)s::text[], %(profile_id)s::bigint[], %(first_at)s::bigint[], %(last_at)s::bigint[])
ON CONFLICT (type, value) DO UPDATE SET profile_id = excluded.profile_id, first_at = excluded.first_at,
  last_at = excluded.last_at;

-- name: put_facts
-- One that is there already was read from the log twice.
INSERT INTO facts (id, profile_id, name, timestamp, source_id, properties, context)
SELECT * FROM unnest(%(id)s::bigint[], %(profile_id)s::bigint[], %(name)s::text[], %(timestamp)s::bigint[],
  %(source_id)s::bigint[], %(properties)s::text[], %(context)s::text[])
ON CONFLICT (id) DO NOTHING;

-- name: move_facts
-- To the profiles that theirs were merged into.
UPDATE facts f SET profile_id = g.into_id FROM unnest(%(id)s::bigint[], %(into_id)s::bigint[]) AS g (id, into_id)
WHERE f.profile_id = g.id;

-- name: drop_profile
DELETE FROM profiles WHERE id = ANY (%(ids)s::bigint[]);

-- name: drop_identifiers
DELETE FROM identifiers WHERE profile_id = ANY (%(ids)s::bigint[]);

-- name: drop_facts
DELETE FROM facts WHERE profile_id = ANY (%(ids)s::bigint[]);

-- name: drop_computed
DELETE FROM computed WHERE profile_id = ANY (%(ids)s::bigint[]);

-- name: drop_told
DELETE FROM told WHERE profile_id = ANY (%(ids)s::bigint[]);

-- name: facts
-- What these profiles did, of the events that are asked for. What nobody asks for is not read, so that a count runs on
-- the index alone.
SELECT f.profile_id, f.id, f.name, f.timestamp, f.source_id, NULL, NULL
FROM unnest(%(ids)s::bigint[]) AS i (id)
CROSS JOIN unnest(%(name)s::text[], %(after)s::bigint[]) AS w (name, after)
JOIN facts f ON f.profile_id = i.id AND f.name = w.name AND f.timestamp > w.after;

-- name: whole_facts
-- The same with their properties and their context, as far as these are asked for.
SELECT f.profile_id, f.id, f.name, f.timestamp, f.source_id,
  CASE WHEN w.properties THEN f.properties END, CASE WHEN w.context THEN f.context END
FROM unnest(%(ids)s::bigint[]) AS i (id)
CROSS JOIN unnest(%(name)s::text[], %(after)s::bigint[], %(properties)s::boolean[], %(context)s::boolean[])
  AS w (name, after, properties, context)
JOIN facts f ON f.profile_id = i.id AND f.name = w.name AND f.timestamp > w.after;

-- name: computed
-- The values of these profiles.
SELECT profile_id, definition_id, value, since, next_change_at FROM computed WHERE profile_id = ANY (%(ids)s::bigint[]);

-- name: told
-- What destinations were told of these profiles.
SELECT profile_id, definition_id, destination_id, value, times, deliveries FROM told
WHERE profile_id = ANY (%(ids)s::bigint[]);

-- name: put_computed
-- Values, or when they may next change.
INSERT INTO computed (definition_id, profile_id, value, since, next_change_at)
SELECT * FROM unnest(%(definition_id)s::bigint[], %(profile_id)s::bigint[], %(value)s::text[], %(since)s::bigint[],
  %(next_change_at)s::bigint[])
ON CONFLICT (profile_id, definition_id) DO UPDATE SET value = excluded.value, since = excluded.since,
  next_change_at = excluded.next_change_at;

-- name: put_told
-- In the transaction that makes the calls.
INSERT INTO told (definition_id, destination_id, profile_id, value, times, deliveries)
SELECT * FROM unnest(%(definition_id)s::bigint[], %(destination_id)s::bigint[], %(profile_id)s::bigint[], %(value)s::text[],
  %(times)s::bigint[], %(deliveries)s::text[])
ON CONFLICT (definition_id, destination_id, profile_id) DO UPDATE SET value = excluded.value, times = excluded.times,
  deliveries = excluded.deliveries;

-- name: made_calls
-- The ids of calls that were made just now, by their keys.
SELECT d.destination_id, d.key, d.id FROM unnest(%(destination_id)s::bigint[], %(key)s::text[]) AS g (destination_id, key)
JOIN deliveries d ON d.destination_id = g.destination_id AND d.what = 'identify' AND d.key = g.key;

-- name: supersede
-- Calls that say what is true no more, and have not gone out.
WITH old AS (
  SELECT id FROM deliveries WHERE id = ANY (%(ids)s::bigint[])
    AND state IN ('held', 'queued', 'blocked', 'failed', 'refused') ORDER BY id FOR UPDATE
)
UPDATE deliveries d SET state = 'cancelled', reason = 'superseded', updated_at = %(now)s::bigint,
  message = 'the value changed again before this was sent'
FROM old WHERE d.id = old.id AND d.state IN ('held', 'queued', 'blocked', 'failed', 'refused');

-- name: of_identifier
SELECT profile_id FROM identifiers WHERE type = %(type)s::text AND value = %(value)s::text;

-- name: last_profile
SELECT coalesce(max(id), 0) FROM profiles;

-- name: profile
SELECT created_at, merges FROM profiles WHERE id = %(id)s::bigint;

-- name: count_facts
SELECT count(*) FROM facts WHERE profile_id = %(id)s::bigint;

-- name: newest_facts
-- What a person did, for people to look at.
SELECT id, name, timestamp, source_id, properties FROM facts
WHERE profile_id = %(profile_id)s::bigint AND (%(before)s::bigint = 0 OR id < %(before)s::bigint)
ORDER BY id DESC LIMIT %(limit)s::bigint;

-- name: prune_facts
-- The oldest by arrival, a few at a time.
DELETE FROM facts WHERE id IN (
  SELECT id FROM (SELECT id, timestamp FROM facts ORDER BY id LIMIT %(limit)s::bigint) AS oldest
  WHERE timestamp < %(before)s::bigint
);
