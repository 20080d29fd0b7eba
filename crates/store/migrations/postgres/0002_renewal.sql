-- Who may renew a connection, and what became of the attempts. Moments of leases are on the database's clock.
ALTER TABLE evergrant_connections
    ADD COLUMN provider        text,
    ADD COLUMN attempt         bigint NOT NULL DEFAULT 0,
    ADD COLUMN lease_owner     text,
    ADD COLUMN held_until      timestamp(6),
    ADD COLUMN doubt_since     timestamp(6),
    ADD COLUMN bought_with     bigint,
    ADD COLUMN bought_attempt  bigint,
    ADD COLUMN known_token     text,
    ADD COLUMN turns_at        timestamp(6),
    ADD COLUMN refused_at      timestamp(6),
    ADD COLUMN last_used_at    timestamp(6);
UPDATE evergrant_connections c SET provider = a.provider, known_token = left(a.access_token, 32)
    FROM oauth_accounts a WHERE a.id = c.oauth_account_id;
DROP INDEX evergrant_connections_due;
CREATE INDEX evergrant_connections_due ON evergrant_connections (provider, next_refresh_at)
    WHERE next_refresh_at IS NOT NULL;
CREATE INDEX evergrant_connections_turns ON evergrant_connections (turns_at) WHERE turns_at IS NOT NULL;
CREATE INDEX evergrant_connections_refused ON evergrant_connections (provider, refused_at)
    WHERE refused_at IS NOT NULL;

-- An event is about a connection, a flow or a credential; `subject` names the latter two.
ALTER TABLE evergrant_events
    ADD COLUMN subject  text,
    ADD COLUMN status   text,
    ADD COLUMN code     text;
CREATE INDEX evergrant_events_user ON evergrant_events (user_id, version);

-- What keeps all replicas from calling a host of a platform.
CREATE TABLE evergrant_gates (
    provider   text NOT NULL,
    host       text NOT NULL,
    kind       text NOT NULL,
    since      timestamp(6) NOT NULL,
    closed_to  timestamp(6) NOT NULL,
    trips      integer NOT NULL,
    PRIMARY KEY (provider, host, kind)
);

-- The processes that serve, by their own word.
CREATE TABLE evergrant_replicas (
    id       text PRIMARY KEY,
    seen_at  timestamp(6) NOT NULL
);
