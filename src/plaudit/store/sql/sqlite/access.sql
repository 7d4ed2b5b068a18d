-- Who may use the console and the API, and what they did there.

-- name: anybody
SELECT EXISTS (SELECT 1 FROM people WHERE active = 1);

-- name: people
SELECT id, name, role, created_at FROM people WHERE active = 1 ORDER BY name;

-- name: password
SELECT id, name, role, created_at, password FROM people WHERE active = 1 AND name = :name;

-- name: add_person
-- One who was removed comes back as the same person; one who is there stays as they are.
INSERT INTO people (name, role, password, active, created_at) VALUES (:name, :role, :password, 1, :now)
ON CONFLICT (name) DO UPDATE SET role = excluded.role, password = excluded.password, active = 1 WHERE active = 0
RETURNING id, name, role, created_at;

-- name: change_person
-- Unless no admin would be left.
UPDATE people SET role = coalesce(:role, role), password = coalesce(:password, password)
WHERE id = :id AND active = 1 AND (coalesce(:role, 'admin') = 'admin' OR role <> 'admin'
  OR EXISTS (SELECT 1 FROM people WHERE active = 1 AND role = 'admin' AND id <> :id))
RETURNING id, name, role, created_at;

-- name: remove_person
-- Unless no admin would be left. Their hash goes too.
UPDATE people SET active = 0, password = ''
WHERE id = :id AND active = 1 AND (role <> 'admin'
  OR EXISTS (SELECT 1 FROM people WHERE active = 1 AND role = 'admin' AND id <> :id))
RETURNING id;

-- name: end_sessions
DELETE FROM sessions WHERE person_id = :id;

-- name: add_link
INSERT INTO links (hash, until) VALUES (:hash, :until);

-- name: link
SELECT 1 FROM links WHERE hash = :hash AND until > :now;

-- name: drop_links
DELETE FROM links;

-- name: old_links
DELETE FROM links WHERE until <= :now;

-- name: add_session
-- Unless their password is another one by now.
INSERT INTO sessions (hash, person_id, created_at, until)
SELECT :hash, id, :now, :until FROM people WHERE id = :id AND active = 1 AND password = coalesce(:password, password)
RETURNING 1;

-- name: old_sessions
DELETE FROM sessions WHERE until <= :now;

-- name: session
-- Of somebody who is still there.
SELECT p.id, p.name, p.role, p.created_at, s.created_at, s.until FROM sessions s JOIN people p ON p.id = s.person_id
WHERE s.hash = :hash AND s.until > :now AND p.active = 1;

-- name: extend_session
UPDATE sessions SET until = :until WHERE hash = :hash;

-- name: end_session
DELETE FROM sessions WHERE hash = :hash;

-- name: tokens
SELECT id, name, role, created_at, used_at FROM tokens WHERE active = 1 ORDER BY id DESC;

-- name: add_token
-- Its id and when it was made are told; the token itself is known to whoever made it.
INSERT INTO tokens (name, hash, role, active, created_at) VALUES (:name, :hash, :role, 1, :now)
RETURNING id, name, role, created_at, used_at;

-- name: remove_token
UPDATE tokens SET active = 0 WHERE id = :id AND active = 1 RETURNING id;

-- name: token
SELECT id, name, role, created_at, used_at FROM tokens WHERE hash = :hash AND active = 1;

-- name: use_token
UPDATE tokens SET used_at = :now WHERE id = :id;

-- name: record
-- A line of the audit log.
INSERT INTO audit (at, via, who, action, about, detail) VALUES (:now, :via, :who, :action, :about, :detail) RETURNING id;

-- name: audit
-- The newest first, with the names of people and tokens, also of those that were removed.
SELECT a.id, a.at, a.via, CASE a.via WHEN 'session' THEN p.name WHEN 'token' THEN t.name END, a.action, a.about, a.detail
FROM audit a LEFT JOIN people p ON p.id = a.who LEFT JOIN tokens t ON t.id = a.who
WHERE (:before IS NULL OR a.id < :before) AND (:action IS NULL OR a.action = :action)
ORDER BY a.id DESC LIMIT :limit;

-- name: old_replies
DELETE FROM replies WHERE at < :since;

-- name: begin_reply
-- Of two requests with one key, one is the first.
INSERT INTO replies (hash, fingerprint, at) VALUES (:hash, :fingerprint, :now) ON CONFLICT (hash) DO NOTHING RETURNING 1;

-- name: reply
SELECT fingerprint, reply, at FROM replies WHERE hash = :hash;

-- name: answered
UPDATE replies SET reply = :reply WHERE hash = :hash;

-- name: drop_reply
DELETE FROM replies WHERE hash = :hash;
