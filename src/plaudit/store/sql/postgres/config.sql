-- name: lock_config
-- One configuration is applied at a time.
SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext('apply a configuration'));

-- name: config_version
SELECT value FROM meta WHERE key = 'config_version';

-- name: touch_config
-- Every process looks at this number to learn that the configuration has changed.
UPDATE meta SET value = value + 1 WHERE key = 'config_version';

-- name: sources
SELECT id, name, write_key FROM sources WHERE active AND destination_id IS NULL ORDER BY name;

-- name: inlets
-- The sources that stand for what Segment sends to a destination's own address.
SELECT s.id, s.name, s.destination_id FROM sources s JOIN destinations d ON d.id = s.destination_id
WHERE s.active AND d.active ORDER BY s.name;

-- name: destinations
SELECT id, name, type, settings, paused_reason, paused_message, paused_at FROM destinations WHERE active ORDER BY name;

-- name: connections
SELECT source_id, destination_id FROM connections ORDER BY source_id, destination_id;

-- name: put_source
INSERT INTO sources (name, write_key, active, created_at)
VALUES (%(name)s::text, %(write_key)s::bytea, true, %(now)s::bigint)
ON CONFLICT (name) DO UPDATE SET write_key = excluded.write_key, active = true
RETURNING id;

-- name: put_inlet
-- It has no write key: a destination's own key leads to it.
INSERT INTO sources (name, write_key, active, created_at, destination_id)
VALUES (%(name)s::text, '', true, %(now)s::bigint, %(destination_id)s::bigint)
ON CONFLICT (name) DO UPDATE SET active = true, destination_id = excluded.destination_id;

-- name: put_destination
-- Applying a destination also ends its pause, unless a person made it: the next attempt shows whether it is mended.
INSERT INTO destinations (name, type, settings, active, created_at)
VALUES (%(name)s::text, %(type)s::text, %(settings)s::bytea, true, %(now)s::bigint)
ON CONFLICT (name) DO UPDATE SET type = excluded.type, settings = excluded.settings, active = true,
  paused_at = CASE destinations.paused_reason WHEN 'by_hand' THEN destinations.paused_at END,
  paused_reason = CASE destinations.paused_reason WHEN 'by_hand' THEN 'by_hand' END,
  paused_message = CASE destinations.paused_reason WHEN 'by_hand' THEN destinations.paused_message END
RETURNING id;

-- name: retire_sources
-- All others leave the configuration.
UPDATE sources SET active = false WHERE active AND destination_id IS NULL AND name <> ALL (%(names)s::text[]);

-- name: retire_destinations
UPDATE destinations SET active = false WHERE active AND name <> ALL (%(names)s::text[]);

-- name: drop_connections
DELETE FROM connections;

-- name: connect
INSERT INTO connections (source_id, destination_id) VALUES (%(source_id)s::bigint, %(destination_id)s::bigint);
