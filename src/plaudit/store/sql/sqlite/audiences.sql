-- name: definitions
-- Audiences and traits that are configured.
SELECT id, kind, name, key, title, query, options, enabled, created_at FROM definitions WHERE active = 1 ORDER BY id;

-- name: attached
-- Which destinations each is told to.
SELECT s.definition_id, s.destination_id FROM syncs s JOIN destinations d ON d.id = s.destination_id
WHERE s.active = 1 AND d.active = 1 ORDER BY s.definition_id, s.destination_id;

-- name: keys
-- All that were ever given, since a key never means two things; and how they were told, where they are in place.
SELECT kind, name, key, CASE WHEN active THEN options END FROM definitions;

-- name: put_definition
-- Another query, or one that comes back, is evaluated for everybody anew.
INSERT INTO definitions (kind, name, key, title, query, options, enabled, active, created_at)
VALUES (:kind, :name, :key, :title, :query, :options, :enabled, 1, :now)
ON CONFLICT (kind, name) DO UPDATE SET title = excluded.title, options = excluded.options, query = excluded.query,
  backfill = CASE WHEN query = excluded.query AND active AND enabled THEN backfill ELSE 0 END,
  backfilled_at = CASE WHEN query = excluded.query AND active AND enabled THEN backfilled_at END,
  enabled = excluded.enabled, active = 1
RETURNING id;

-- name: retire_definitions
-- Ids as a JSON array: all others leave the configuration.
UPDATE definitions SET active = 0 WHERE active = 1 AND id NOT IN (SELECT value FROM json_each(?));

-- name: evaluate_anew
-- For everybody: what it asks for is there no more, or is there again.
UPDATE definitions SET backfill = 0, backfilled_at = NULL WHERE id = ?;

-- name: detach
-- Of a definition, all destinations but these (JSON). What they were told stays, in case they come back.
UPDATE syncs SET active = 0 WHERE definition_id = ? AND destination_id NOT IN (SELECT value FROM json_each(?));

-- name: attach
-- A destination that is new to it, comes back, or was kept from something (:anew) hears of everybody whose value it does
-- not know. Between changes that are told at once and batches (:every ms) a last batch makes up for what was not told.
INSERT INTO syncs (definition_id, destination_id, active, phase) VALUES (:definition_id, :destination_id, 1, 'first')
ON CONFLICT (definition_id, destination_id) DO UPDATE SET
  phase = CASE WHEN NOT active OR iif(phase IN ('leaving', 'left'), :enabled, :anew) THEN 'first'
    WHEN phase = 'live' AND :every > 0 THEN 'waiting' ELSE phase END,
  cursor = CASE WHEN NOT active OR iif(phase IN ('leaving', 'left'), :enabled, :anew) THEN 0 ELSE cursor END,
  run = CASE WHEN NOT active OR iif(phase IN ('leaving', 'left'), :enabled, :anew) THEN NULL ELSE run END,
  due_at = CASE WHEN phase = 'live' AND :every > 0 THEN :now WHEN phase = 'waiting' THEN min(due_at, :now + :every) END,
  active = 1;

-- name: syncs
-- How far each destination has come.
SELECT definition_id, destination_id, phase, cursor FROM syncs WHERE active = 1;

-- name: sync
-- One that tells that all have left goes on when it is detached meanwhile.
SELECT phase, cursor, run, due_at FROM syncs
WHERE definition_id = ? AND destination_id = ? AND (active = 1 OR phase = 'leaving');

-- name: set_sync
-- After a portion of a run.
UPDATE syncs SET phase = :phase, cursor = :cursor, run = :run, due_at = :due_at
WHERE definition_id = :definition_id AND destination_id = :destination_id;

-- name: leave
-- Tell each destination that nobody is a member any more.
UPDATE syncs SET phase = 'leaving', cursor = 0, run = NULL WHERE definition_id = ? AND active = 1;

-- name: start_run
INSERT INTO sync_runs (definition_id, destination_id, kind, started_at, total) VALUES (?, ?, ?, ?, ?) RETURNING id;

-- name: add_to_run
-- What a portion came to.
UPDATE sync_runs SET looked_at = looked_at + :looked_at, added = added + :added, removed = removed + :removed,
  ended_at = :ended_at WHERE id = :id;

-- name: open_syncs
-- What there is to do: runs that are under way or due, of definitions whose backfill is over.
SELECT s.definition_id, s.destination_id FROM syncs s
JOIN definitions d ON d.id = s.definition_id JOIN destinations t ON t.id = s.destination_id
WHERE t.active = 1 AND ((s.active = 1 AND d.active = 1 AND d.enabled = 1 AND d.backfilled_at IS NOT NULL
    AND (s.phase IN ('first', 'run') OR (s.phase = 'waiting' AND s.due_at <= :now)))
  OR s.phase = 'leaving')
ORDER BY s.definition_id, s.destination_id;

-- name: next_sync
-- When the next batch is due.
SELECT min(due_at) FROM syncs WHERE active = 1 AND phase = 'waiting';

-- name: to_tell
-- The next profiles of a run: members, and whoever the destination was told of.
SELECT profile_id FROM computed WHERE definition_id = :definition_id AND value NOT IN ('false', 'null') AND profile_id > :after
UNION
SELECT profile_id FROM told WHERE definition_id = :definition_id AND destination_id = :destination_id AND profile_id > :after
ORDER BY profile_id LIMIT :limit;

-- name: told_members
-- The next profiles that a destination believes in.
SELECT profile_id FROM told WHERE definition_id = :definition_id AND destination_id = :destination_id
  AND profile_id > :after AND value NOT IN ('false', 'null')
ORDER BY profile_id LIMIT :limit;

-- name: size
-- How many members an audience has, or how many have a trait.
SELECT count(*) FROM computed WHERE definition_id = ? AND value NOT IN ('false', 'null');

-- name: told_size
SELECT count(*) FROM told WHERE definition_id = ? AND destination_id = ? AND value NOT IN ('false', 'null');

-- name: stuck_calls
-- How many calls of each definition wait for a person, by destination. Runs on deliveries_attention: they are few.
SELECT destination_id, substr(key, 1, instr(key, '/') - 1), count(*) FROM deliveries
WHERE state IN ('failed', 'blocked', 'uncertain', 'refused') AND +what = 'identify' AND event_id = 0 GROUP BY 1, 2;

-- name: open_backfills
SELECT id FROM definitions WHERE active = 1 AND enabled = 1 AND backfilled_at IS NULL ORDER BY id;

-- name: backfill
SELECT backfill, backfilled_at FROM definitions WHERE id = ? AND active = 1 AND enabled = 1;

-- name: next_profiles
SELECT id FROM profiles WHERE id > ? ORDER BY id LIMIT ?;

-- name: set_backfill
-- After a portion.
UPDATE definitions SET backfill = ?, backfilled_at = ? WHERE id = ?;

-- name: due
-- Values that may have become others by themselves, the earliest first.
SELECT profile_id, definition_id FROM computed WHERE next_change_at <= ? ORDER BY next_change_at LIMIT ?;

-- name: next_due
SELECT min(next_change_at) FROM computed WHERE next_change_at IS NOT NULL;

-- name: let_be
-- A value whose definition is gone changes no more.
UPDATE computed SET next_change_at = NULL WHERE profile_id = ? AND definition_id = ?;

-- name: progress
-- All definitions with how far their backfills have come.
SELECT d.id, d.backfill, d.backfilled_at, (SELECT coalesce(max(id), 0) FROM profiles) FROM definitions d WHERE d.active = 1 ORDER BY d.id;

-- name: runs
-- The newest run of each sync, and what it came to.
SELECT s.definition_id, s.destination_id, s.phase, s.due_at, r.kind, r.started_at, r.ended_at, r.total, r.looked_at, r.added, r.removed
FROM syncs s
LEFT JOIN sync_runs r ON r.id = (SELECT max(id) FROM sync_runs x
  WHERE x.definition_id = s.definition_id AND x.destination_id = s.destination_id)
WHERE s.active = 1 OR s.phase = 'leaving' ORDER BY s.definition_id, s.destination_id;

-- name: past_runs
-- The newest runs of a definition. Its calls were made while it ran; those that wait for a person are few.
SELECT r.destination_id, r.kind, r.started_at, r.ended_at, r.added, r.removed,
  (SELECT count(*) FROM deliveries d
   WHERE d.destination_id = r.destination_id AND d.state IN ('failed', 'blocked', 'uncertain', 'refused')
     AND +d.what = 'identify' AND d.event_id = 0 AND CAST(substr(d.key, 1, instr(d.key, '/') - 1) AS INTEGER) = r.definition_id
     AND d.created_at BETWEEN r.started_at AND coalesce(r.ended_at, 9223372036854775807))
FROM sync_runs r WHERE r.definition_id = ? ORDER BY r.id DESC LIMIT ?;

-- name: members
-- Who is in, a page at a time.
SELECT profile_id, value, since, next_change_at FROM computed
WHERE definition_id = ? AND value NOT IN ('false', 'null') AND profile_id > ? ORDER BY profile_id LIMIT ?;

