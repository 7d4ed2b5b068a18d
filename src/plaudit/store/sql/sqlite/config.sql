-- name: config_version
SELECT value FROM meta WHERE key = 'config_version';

-- name: touch_config
-- Every process looks at this number to learn that the configuration has changed.
UPDATE meta SET value = value + 1 WHERE key = 'config_version';

-- name: sources
SELECT id, name, write_key FROM sources WHERE active = 1 AND destination_id IS NULL ORDER BY name;

-- name: inlets
-- The sources that stand for what Segment sends to a destination's own address.
SELECT s.id, s.name, s.destination_id FROM sources s JOIN destinations d ON d.id = s.destination_id
WHERE s.active = 1 AND d.active = 1 ORDER BY s.name;

-- name: destinations
SELECT id, name, type, settings, paused_reason, paused_message, paused_at FROM destinations WHERE active = 1 ORDER BY name;

-- name: connections
SELECT source_id, destination_id FROM connections ORDER BY source_id, destination_id;

-- name: put_source
INSERT INTO sources (name, write_key, active, created_at) VALUES (:name, :write_key, 1, :now)
ON CONFLICT (name) DO UPDATE SET write_key = excluded.write_key, active = 1
RETURNING id;

-- name: put_inlet
-- It has no write key: a destination's own key leads to it.
INSERT INTO sources (name, write_key, active, created_at, destination_id) VALUES (:name, x'', 1, :now, :destination_id)
ON CONFLICT (name) DO UPDATE SET active = 1, destination_id = excluded.destination_id
RETURNING id;

-- name: put_destination
-- Applying a destination also ends its pause, unless a person made it: the next attempt shows whether it is mended.
INSERT INTO destinations (name, type, settings, active, created_at) VALUES (:name, :type, :settings, 1, :now)
ON CONFLICT (name) DO UPDATE SET type = excluded.type, settings = excluded.settings, active = 1,
  paused_at = CASE destinations.paused_reason WHEN 'by_hand' THEN destinations.paused_at END,
  paused_reason = CASE destinations.paused_reason WHEN 'by_hand' THEN 'by_hand' END,
  paused_message = CASE destinations.paused_reason WHEN 'by_hand' THEN destinations.paused_message END
RETURNING id;

-- name: retire_sources
-- Names as a JSON array: all others leave the configuration.
UPDATE sources SET active = 0 WHERE active = 1 AND destination_id IS NULL AND name NOT IN (SELECT value FROM json_each(?));

-- name: retire_destinations
UPDATE destinations SET active = 0 WHERE active = 1 AND name NOT IN (SELECT value FROM json_each(?));

-- name: drop_connections
DELETE FROM connections;

-- name: connect
INSERT INTO connections (source_id, destination_id) VALUES (?, ?);
