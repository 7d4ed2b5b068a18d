-- name: definitions
-- Audiences and traits that are configured.
SELECT id, kind, name, key, title, query, options, enabled, created_at FROM definitions WHERE active ORDER BY id;

-- name: attached
-- Which destinations each is told to.
SELECT s.definition_id, s.destination_id FROM syncs s JOIN destinations d ON d.id = s.destination_id
WHERE s.active AND d.active ORDER BY s.definition_id, s.destination_id;

-- name: keys
-- All that were ever given, since a key never means two things; and how they were told, where they are in place.
SELECT kind, name, key, CASE WHEN active THEN options END FROM definitions;

-- name: put_definition
-- Another query, or one that comes back, is evaluated for everybody anew.
INSERT INTO definitions AS d (kind, name, key, title, query, options, enabled, active, created_at)
VALUES (%(kind)s::text, %(name)s::text, %(key)s::text, %(title)s::text, %(query)s::text, %(options)s::text,
  %(enabled)s::boolean, true, %(now)s::bigint)
ON CONFLICT (kind, name) DO UPDATE SET title = excluded.title, options = excluded.options, query = excluded.query,
  backfill = CASE WHEN d.query = excluded.query AND d.active AND d.enabled THEN d.backfill ELSE 0 END,
  backfilled_at = CASE WHEN d.query = excluded.query AND d.active AND d.enabled THEN d.backfilled_at END,
  enabled = excluded.enabled, active = true
RETURNING id;

-- name: retire_definitions
-- All others leave the configuration.
UPDATE definitions SET active = false WHERE active AND id <> ALL (%(ids)s::bigint[]);

-- name: evaluate_anew
-- For everybody: what they ask for is there no more, or is there again.
UPDATE definitions SET backfill = 0, backfilled_at = NULL WHERE id = ANY (%(ids)s::bigint[]);

-- name: detach
-- Of a definition, all destinations but these. What they were told stays, in case they come back.
UPDATE syncs SET active = false WHERE definition_id = %(definition_id)s::bigint AND destination_id <> ALL (%(ids)s::bigint[]);

-- name: attach
-- A destination that is new to it, comes back, or was kept from something (anew) hears of everybody whose value it does
-- not know. Between changes that are told at once and batches (every so many ms) a last batch makes up for what was not
-- told.
INSERT INTO syncs AS s (definition_id, destination_id, active, phase)
VALUES (%(definition_id)s::bigint, %(destination_id)s::bigint, true, 'first')
ON CONFLICT (definition_id, destination_id) DO UPDATE SET
  phase = CASE WHEN NOT s.active OR CASE WHEN s.phase IN ('leaving', 'left') THEN %(enabled)s::boolean ELSE %(anew)s::boolean END THEN 'first'
    WHEN s.phase = 'live' AND %(every)s::bigint > 0 THEN 'waiting' ELSE s.phase END,
  cursor = CASE WHEN NOT s.active OR CASE WHEN s.phase IN ('leaving', 'left') THEN %(enabled)s::boolean ELSE %(anew)s::boolean END THEN 0 ELSE s.cursor END,
  run = CASE WHEN NOT s.active OR CASE WHEN s.phase IN ('leaving', 'left') THEN %(enabled)s::boolean ELSE %(anew)s::boolean END THEN NULL ELSE s.run END,
  due_at = CASE WHEN s.phase = 'live' AND %(every)s::bigint > 0 THEN %(now)s::bigint
    WHEN s.phase = 'waiting' THEN least(s.due_at, %(now)s::bigint + %(every)s::bigint) END,
  active = true;

-- name: syncs
-- How far each destination has come.
SELECT definition_id, destination_id, phase, cursor FROM syncs WHERE active;

-- name: sync
-- How far one has come. One that tells that all have left goes on when it is detached meanwhile.
SELECT phase, cursor, run, due_at FROM syncs
WHERE definition_id = %(definition_id)s::bigint AND destination_id = %(destination_id)s::bigint
  AND (active OR phase = 'leaving');

-- name: set_sync
-- After a portion of a run.
UPDATE syncs SET phase = %(phase)s::text, cursor = %(cursor)s::bigint, run = %(run)s::bigint, due_at = %(due_at)s::bigint
WHERE definition_id = %(definition_id)s::bigint AND destination_id = %(destination_id)s::bigint;

-- name: leave
-- Tell each destination that nobody is a member any more.
UPDATE syncs SET phase = 'leaving', cursor = 0, run = NULL WHERE definition_id = %(definition_id)s::bigint AND active;

-- name: start_run
-- A run begins.
INSERT INTO sync_runs (definition_id, destination_id, kind, started_at, total)
VALUES (%(definition_id)s::bigint, %(destination_id)s::bigint, %(kind)s::text, %(now)s::bigint, %(total)s::bigint) RETURNING id;

-- name: add_to_run
-- What a portion came to.
UPDATE sync_runs SET looked_at = looked_at + %(looked_at)s::bigint, added = added + %(added)s::bigint,
  removed = removed + %(removed)s::bigint, ended_at = %(ended_at)s::bigint WHERE id = %(id)s::bigint;

-- name: open_syncs
-- What there is to do: runs that are under way or due, of definitions whose backfill is over.
SELECT s.definition_id, s.destination_id FROM syncs s
JOIN definitions d ON d.id = s.definition_id JOIN destinations t ON t.id = s.destination_id
WHERE t.active AND ((s.active AND d.active AND d.enabled AND d.backfilled_at IS NOT NULL
    AND (s.phase IN ('first', 'run') OR (s.phase = 'waiting' AND s.due_at <= %(now)s::bigint)))
  OR s.phase = 'leaving')
ORDER BY s.definition_id, s.destination_id;

-- name: next_sync
-- When the next batch is due.
SELECT min(due_at) FROM syncs WHERE active AND phase = 'waiting';

-- name: to_tell
-- The next profiles of a run: members, and whoever the destination was told of.
SELECT profile_id FROM (
  (SELECT profile_id FROM computed WHERE definition_id = %(definition_id)s::bigint AND value NOT IN ('false', 'null')
    AND profile_id > %(after)s::bigint ORDER BY profile_id LIMIT %(limit)s::bigint)
  UNION
  (SELECT profile_id FROM told WHERE definition_id = %(definition_id)s::bigint AND destination_id = %(destination_id)s::bigint
    AND profile_id > %(after)s::bigint ORDER BY profile_id LIMIT %(limit)s::bigint)
) AS both_of_them ORDER BY profile_id LIMIT %(limit)s::bigint;

-- name: told_members
-- The next profiles that a destination believes in.
SELECT profile_id FROM told WHERE definition_id = %(definition_id)s::bigint AND destination_id = %(destination_id)s::bigint
  AND profile_id > %(after)s::bigint AND value NOT IN ('false', 'null')
ORDER BY profile_id LIMIT %(limit)s::bigint;

-- name: size
-- How many members an audience has, or how many have a trait.
SELECT count(*) FROM computed WHERE definition_id = %(definition_id)s::bigint AND value NOT IN ('false', 'null');

-- name: told_size
-- How many members a destination believes in.
SELECT count(*) FROM told WHERE definition_id = %(definition_id)s::bigint AND destination_id = %(destination_id)s::bigint
  AND value NOT IN ('false', 'null');

-- name: stuck_calls
-- How many calls of each definition wait for a person, by destination. Runs on deliveries_attention: they are few.
SELECT destination_id, split_part(key, '/', 1), count(*) FROM deliveries
WHERE state IN ('failed', 'blocked', 'uncertain', 'refused') AND what = 'identify' AND event_id = 0 GROUP BY 1, 2;

-- name: open_backfills
SELECT id FROM definitions WHERE active AND enabled AND backfilled_at IS NULL ORDER BY id;

-- name: backfill
SELECT backfill, backfilled_at FROM definitions WHERE id = %(id)s::bigint AND active AND enabled;

-- name: next_profiles
SELECT id FROM profiles WHERE id > %(after)s::bigint ORDER BY id LIMIT %(limit)s::bigint;

-- name: set_backfill
-- After a portion.
UPDATE definitions SET backfill = %(backfill)s::bigint, backfilled_at = %(backfilled_at)s::bigint WHERE id = %(id)s::bigint;

-- name: due
-- Values that may have become others by themselves, the earliest first.
SELECT profile_id, definition_id FROM computed WHERE next_change_at <= %(now)s::bigint
ORDER BY next_change_at LIMIT %(limit)s::bigint;

-- name: due_of
-- The same of these profiles, which this transaction holds.
SELECT profile_id, definition_id FROM computed WHERE profile_id = ANY (%(ids)s::bigint[]) AND next_change_at <= %(now)s::bigint;

-- name: next_due
SELECT min(next_change_at) FROM computed WHERE next_change_at IS NOT NULL;

-- name: let_be
-- Values whose definitions are gone change no more.
UPDATE computed c SET next_change_at = NULL
FROM unnest(%(profile_id)s::bigint[], %(definition_id)s::bigint[]) AS g (profile_id, definition_id)
WHERE c.profile_id = g.profile_id AND c.definition_id = g.definition_id;

-- name: progress
-- All definitions with how far their backfills have come.
SELECT d.id, d.backfill, d.backfilled_at, (SELECT coalesce(max(id), 0) FROM profiles) FROM definitions d
WHERE d.active ORDER BY d.id;

-- name: runs
-- The newest run of each sync, and what it came to.
SELECT s.definition_id, s.destination_id, s.phase, s.due_at, r.kind, r.started_at, r.ended_at, r.total, r.looked_at, r.added, r.removed
FROM syncs s
LEFT JOIN sync_runs r ON r.id = (SELECT max(id) FROM sync_runs x
  WHERE x.definition_id = s.definition_id AND x.destination_id = s.destination_id)
WHERE s.active OR s.phase = 'leaving' ORDER BY s.definition_id, s.destination_id;

-- name: past_runs
-- The newest runs of a definition. Its calls were made while it ran; those that wait for a person are few.
SELECT r.destination_id, r.kind, r.started_at, r.ended_at, r.added, r.removed,
  (SELECT count(*) FROM deliveries d
   WHERE d.destination_id = r.destination_id AND d.state IN ('failed', 'blocked', 'uncertain', 'refused')
     AND d.what = 'identify' AND d.event_id = 0 AND split_part(d.key, '/', 1) = r.definition_id::text
     AND d.created_at BETWEEN r.started_at AND coalesce(r.ended_at, 9223372036854775807))
FROM sync_runs r WHERE r.definition_id = %(definition_id)s::bigint ORDER BY r.id DESC LIMIT %(limit)s::bigint;

-- name: members
-- Who is in, a page at a time.
SELECT profile_id, value, since, next_change_at FROM computed
WHERE definition_id = %(definition_id)s::bigint AND value NOT IN ('false', 'null') AND profile_id > %(after)s::bigint
ORDER BY profile_id LIMIT %(limit)s::bigint;
