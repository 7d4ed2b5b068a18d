-- name: not_first
-- Which of these events count for nothing: duplicates, and those that were refused.
SELECT id FROM events WHERE id IN (SELECT value FROM json_each(?)) AND first = 0;

-- name: matching
-- The profiles that these identifiers (JSON: [type, value]) belong to.
SELECT DISTINCT i.profile_id FROM json_each(?) g
CROSS JOIN identifiers i ON i.type = g.value ->> 0 AND i.value = g.value ->> 1;

-- name: named
-- Whose these identifiers (JSON: [type, value]) are.
SELECT i.type, i.value, i.profile_id FROM json_each(?) g
CROSS JOIN identifiers i ON i.type = g.value ->> 0 AND i.value = g.value ->> 1;

-- name: profiles
SELECT id, created_at, merges, traits FROM profiles WHERE id IN (SELECT value FROM json_each(?));

-- name: identifiers
-- All that these profiles are known by.
SELECT profile_id, type, value, first_at, last_at FROM identifiers WHERE profile_id IN (SELECT value FROM json_each(?));

-- name: last_profile
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'profiles'), 0);

-- name: put_profile
-- New, or with other traits or merges than before.
INSERT INTO profiles (id, created_at, merges, traits) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, merges = excluded.merges, traits = excluded.traits;

-- name: put_identifier
-- Also when it moves to the profile that its own was merged into.
INSERT INTO identifiers (type, value, profile_id, first_at, last_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (type, value) DO UPDATE SET profile_id = excluded.profile_id, first_at = excluded.first_at,
  last_at = excluded.last_at;

-- name: put_fact
-- One that is there already was read from the log twice.
INSERT INTO facts (id, profile_id, name, timestamp, source_id, properties, context) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING;

-- name: move_facts
-- To the profile that theirs was merged into.
UPDATE facts SET profile_id = :into WHERE profile_id = :id;

-- name: drop_profile
DELETE FROM profiles WHERE id = ?;

-- name: drop_identifiers
DELETE FROM identifiers WHERE profile_id = ?;

-- name: drop_facts
DELETE FROM facts WHERE profile_id = ?;

-- name: drop_computed
DELETE FROM computed WHERE profile_id = ?;

-- name: drop_told
DELETE FROM told WHERE profile_id = ?;

-- name: facts
-- What these profiles did (ids as JSON), of the events that are asked for: JSON, [name, after, properties?, context?].
-- What nobody asks for is not read, so that a count runs on the index alone.
SELECT f.profile_id, f.id, f.name, f.timestamp, f.source_id,
  CASE WHEN w.value ->> 2 THEN f.properties END, CASE WHEN w.value ->> 3 THEN f.context END
FROM json_each(:ids) i CROSS JOIN json_each(:wants) w
CROSS JOIN facts f ON f.profile_id = i.value AND f.name = w.value ->> 0 AND f.timestamp > (w.value ->> 1);

-- name: computed
-- The values of these profiles.
SELECT profile_id, definition_id, value, since, next_change_at FROM computed
WHERE profile_id IN (SELECT value FROM json_each(?));

-- name: told
-- What destinations were told of these profiles.
SELECT profile_id, definition_id, destination_id, value, times, deliveries FROM told
WHERE profile_id IN (SELECT value FROM json_each(?));

-- name: put_computed
-- A value, or when it may next change.
INSERT INTO computed (definition_id, profile_id, value, since, next_change_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (profile_id, definition_id) DO UPDATE SET value = excluded.value, since = excluded.since,
  next_change_at = excluded.next_change_at;

-- name: put_told
-- In the transaction that makes the call.
INSERT INTO told (definition_id, destination_id, profile_id, value, times, deliveries) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (definition_id, destination_id, profile_id) DO UPDATE SET value = excluded.value, times = excluded.times,
  deliveries = excluded.deliveries;

-- name: supersede
-- Calls that say what is true no more, and have not gone out.
UPDATE deliveries SET state = 'cancelled', reason = 'superseded', updated_at = :now,
  message = 'the value changed again before this was sent'
WHERE id IN (SELECT value FROM json_each(:ids)) AND state IN ('held', 'queued', 'blocked', 'failed', 'refused');

-- name: of_identifier
SELECT profile_id FROM identifiers WHERE type = ? AND value = ?;

-- name: prune_facts
-- The oldest by arrival, a few at a time.
DELETE FROM facts WHERE id IN (
  SELECT id FROM (SELECT id, timestamp FROM facts ORDER BY id LIMIT ?) WHERE timestamp < ?
);

-- name: profile
SELECT created_at, merges FROM profiles WHERE id = ?;

-- name: count_facts
SELECT count(*) FROM facts WHERE profile_id = ?;

-- name: newest_facts
-- What a person did, for people to look at.
SELECT id, name, timestamp, source_id, properties FROM facts
WHERE profile_id = :profile_id AND (:before = 0 OR id < :before) ORDER BY id DESC LIMIT :limit;
