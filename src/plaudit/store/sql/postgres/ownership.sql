-- Which process does what. Time is the database's own, and runs on within a transaction.

-- name: lock_role
-- One process at a time looks at a role and takes or gives up what belongs to it.
SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext('role ' || %(role)s::text));

-- name: roles_of
-- In order, which is the lock order.
SELECT role FROM members WHERE owner = %(owner)s::text ORDER BY role;

-- name: renew_member
-- It is there, for as long again.
INSERT INTO members (role, owner, until)
VALUES (%(role)s::text, %(owner)s::text, clock_timestamp() + make_interval(secs => %(seconds)s::double precision))
ON CONFLICT (role, owner) DO UPDATE SET until = excluded.until;

-- name: leave_role
-- It wants nothing of this role, so no share is kept for it.
DELETE FROM members WHERE role = %(role)s::text AND owner = %(owner)s::text;

-- name: drop_gone
-- Members that have not said for too long that they are there.
DELETE FROM members WHERE role = %(role)s::text AND until <= clock_timestamp();

-- name: members
-- How many take part.
SELECT count(*) FROM members WHERE role = %(role)s::text;

-- name: owned
-- Who has what of a role: one's own, and those that are another's now.
SELECT resource, owner FROM resources
WHERE role = %(role)s::text AND (owner = %(owner)s::text OR until > clock_timestamp());

-- name: give_up
DELETE FROM resources WHERE owner = %(owner)s::text AND resource = ANY (%(resources)s::text[]);

-- name: take
-- New ones, one's own for as long again, and those whose time has passed.
INSERT INTO resources (resource, role, owner, until)
SELECT r, %(role)s::text, %(owner)s::text, clock_timestamp() + make_interval(secs => %(seconds)s::double precision)
FROM unnest(%(resources)s::text[]) AS r
ON CONFLICT (resource) DO UPDATE SET role = excluded.role, owner = excluded.owner, until = excluded.until;

-- name: leave
DELETE FROM members WHERE owner = %(owner)s::text;

-- name: leave_resources
DELETE FROM resources WHERE owner = %(owner)s::text;
