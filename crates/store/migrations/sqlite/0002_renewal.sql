-- Who may renew a connection, and what became of the attempts. Moments of leases are on the database's clock.
ALTER TABLE evergrant_connections ADD COLUMN provider TEXT;
ALTER TABLE evergrant_connections ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE evergrant_connections ADD COLUMN lease_owner TEXT;
ALTER TABLE evergrant_connections ADD COLUMN held_until INTEGER;
ALTER TABLE evergrant_connections ADD COLUMN doubt_since INTEGER;
ALTER TABLE evergrant_connections ADD COLUMN bought_with INTEGER;
ALTER TABLE evergrant_connections ADD COLUMN bought_attempt INTEGER;
ALTER TABLE evergrant_connections ADD COLUMN known_token TEXT;
ALTER TABLE evergrant_connections ADD COLUMN turns_at INTEGER;
ALTER TABLE evergrant_connections ADD COLUMN refused_at INTEGER;
ALTER TABLE evergrant_connections ADD COLUMN last_used_at INTEGER;
UPDATE evergrant_connections SET
    provider = (SELECT provider FROM oauth_accounts a WHERE a.id = oauth_account_id),
    known_token = (SELECT substr(access_token, 1, 32) FROM oauth_accounts a WHERE a.id = oauth_account_id);
DROP INDEX evergrant_connections_due;
CREATE INDEX evergrant_connections_due ON evergrant_connections (provider, next_refresh_at)
    WHERE next_refresh_at IS NOT NULL;
CREATE INDEX evergrant_connections_turns ON evergrant_connections (turns_at) WHERE turns_at IS NOT NULL;
CREATE INDEX evergrant_connections_refused ON evergrant_connections (provider, refused_at)
    WHERE refused_at IS NOT NULL;

-- An event is about a connection, a flow or a credential; `subject` names the latter two.
ALTER TABLE evergrant_events ADD COLUMN subject TEXT;
ALTER TABLE evergrant_events ADD COLUMN status TEXT;
ALTER TABLE evergrant_events ADD COLUMN code TEXT;
CREATE INDEX evergrant_events_user ON evergrant_events (user_id, version);

-- What keeps all replicas from calling a host of a platform.
CREATE TABLE evergrant_gates (
    provider   TEXT NOT NULL,
    host       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    since      INTEGER NOT NULL,
    closed_to  INTEGER NOT NULL,
    trips      INTEGER NOT NULL,
    PRIMARY KEY (provider, host, kind)
) STRICT;

-- The processes that serve, by their own word.
CREATE TABLE evergrant_replicas (
    id       TEXT PRIMARY KEY,
    seen_at  INTEGER NOT NULL
) STRICT;
