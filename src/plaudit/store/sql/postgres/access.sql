-- Who may use the console and the API, and what they did there.

-- name: anybody
SELECT EXISTS (SELECT 1 FROM people WHERE active);

-- name: lock_people
-- Admins are made and removed one at a time: one of them must be left.
SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext('people'));

-- name: people
SELECT id, name, role, created_at FROM people WHERE active ORDER BY name;

-- name: password
SELECT id, name, role, created_at, password FROM people WHERE active AND name = %(name)s::text;

-- name: add_person
-- One who was removed comes back as the same person; one who is there stays as they are.
INSERT INTO people (name, role, password, active, created_at) VALUES (%(name)s::text, %(role)s::text, %(password)s::text, true, %(now)s::bigint)
ON CONFLICT (name) DO UPDATE SET role = excluded.role, password = excluded.password, active = true WHERE NOT people.active
RETURNING id, name, role, created_at;

-- name: change_person
-- Unless no admin would be left.
UPDATE people SET role = coalesce(%(role)s::text, role), password = coalesce(%(password)s::text, password)
WHERE id = %(id)s::bigint AND active AND (coalesce(%(role)s::text, 'admin') = 'admin' OR role <> 'admin'
  OR EXISTS (SELECT 1 FROM people WHERE active AND role = 'admin' AND id <> %(id)s::bigint))
RETURNING id, name, role, created_at;

-- name: remove_person
-- Unless no admin would be left. Their hash goes too.
UPDATE people SET active = false, password = ''
WHERE id = %(id)s::bigint AND active AND (role <> 'admin'
  OR EXISTS (SELECT 1 FROM people WHERE active AND role = 'admin' AND id <> %(id)s::bigint))
RETURNING id;

-- name: end_sessions
DELETE FROM sessions WHERE person_id = %(id)s::bigint;

-- name: add_link
INSERT INTO links (hash, until) VALUES (%(hash)s::bytea, %(until)s::bigint);

-- name: link
SELECT 1 FROM links WHERE hash = %(hash)s::bytea AND until > %(now)s::bigint;

-- name: drop_links
DELETE FROM links;

-- name: old_links
DELETE FROM links WHERE until <= %(now)s::bigint;

-- name: add_session
-- Unless their password is another one by now.
INSERT INTO sessions (hash, person_id, created_at, until)
SELECT %(hash)s::bytea, id, %(now)s::bigint, %(until)s::bigint FROM people
WHERE id = %(id)s::bigint AND active AND password = coalesce(%(password)s::text, password)
RETURNING 1;

-- name: old_sessions
DELETE FROM sessions WHERE until <= %(now)s::bigint;

-- name: session
-- Of somebody who is still there.
SELECT p.id, p.name, p.role, p.created_at, s.created_at, s.until FROM sessions s JOIN people p ON p.id = s.person_id
WHERE s.hash = %(hash)s::bytea AND s.until > %(now)s::bigint AND p.active;

-- name: extend_session
UPDATE sessions SET until = %(until)s::bigint WHERE hash = %(hash)s::bytea;

-- name: end_session
DELETE FROM sessions WHERE hash = %(hash)s::bytea;

-- name: tokens
SELECT id, name, role, created_at, used_at FROM tokens WHERE active ORDER BY id DESC;

-- name: add_token
-- Its id and when it was made are told; the token itself is known to whoever made it.
INSERT INTO tokens (name, hash, role, active, created_at) VALUES (%(name)s::text, %(hash)s::bytea, %(role)s::text, true, %(now)s::bigint)
RETURNING id, name, role, created_at, used_at;

-- name: remove_token
UPDATE tokens SET active = false WHERE id = %(id)s::bigint AND active RETURNING id;

-- name: token
SELECT id, name, role, created_at, used_at FROM tokens WHERE hash = %(hash)s::bytea AND active;

-- name: use_token
UPDATE tokens SET used_at = %(now)s::bigint WHERE id = %(id)s::bigint;

-- name: record
-- A line of the audit log.
INSERT INTO audit (at, via, who, action, about, detail) VALUES (%(now)s::bigint, %(via)s::text, %(who)s::bigint, %(action)s::text, %(about)s::text, %(detail)s::text) RETURNING id;

-- name: audit
-- The newest first, with the names of people and tokens, also of those that were removed.
SELECT a.id, a.at, a.via, CASE a.via WHEN 'session' THEN p.name WHEN 'token' THEN t.name END, a.action, a.about, a.detail
FROM audit a LEFT JOIN people p ON p.id = a.who LEFT JOIN tokens t ON t.id = a.who
WHERE (%(before)s::bigint IS NULL OR a.id < %(before)s::bigint) AND (%(action)s::text IS NULL OR a.action = %(action)s::text)
ORDER BY a.id DESC LIMIT %(limit)s::bigint;

-- name: old_replies
DELETE FROM replies WHERE at < %(since)s::bigint;

-- name: begin_reply
-- Of two requests with one key, one is the first.
INSERT INTO replies (hash, fingerprint, at) VALUES (%(hash)s::bytea, %(fingerprint)s::bytea, %(now)s::bigint) ON CONFLICT (hash) DO NOTHING RETURNING 1;

-- name: reply
SELECT fingerprint, reply, at FROM replies WHERE hash = %(hash)s::bytea;

-- name: answered
UPDATE replies SET reply = %(reply)s::bytea WHERE hash = %(hash)s::bytea;

-- name: drop_reply
DELETE FROM replies WHERE hash = %(hash)s::bytea;
