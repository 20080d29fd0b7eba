-- The two shared tables, in the nearest types. Times are milliseconds since 1970 in UTC.
CREATE TABLE users (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    email       TEXT UNIQUE,
    name        TEXT,
    external_id TEXT,
    created_at  INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)),
    updated_at  INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
) STRICT;
CREATE UNIQUE INDEX users_external_id_key ON users (external_id);

CREATE TABLE oauth_accounts (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id              INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    provider             TEXT NOT NULL,
    provider_account_id  TEXT NOT NULL,
    access_token         TEXT,
    refresh_token        TEXT,
    expires_at           INTEGER,
    token_type           TEXT,
    scope                TEXT,
    metadata             TEXT,
    token_binding        TEXT,
    created_at           INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)),
    updated_at           INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
) STRICT;
CREATE UNIQUE INDEX oauth_accounts_provider_provider_account_id_key ON oauth_accounts (provider, provider_account_id);
CREATE INDEX oauth_accounts_user_id_provider_idx ON oauth_accounts (user_id, provider);

-- What we know of a connection beyond its tokens. A row that another program wrote has none until we touch it.
CREATE TABLE evergrant_connections (
    oauth_account_id    INTEGER PRIMARY KEY REFERENCES oauth_accounts (id) ON DELETE CASCADE ON UPDATE CASCADE,
    generation          INTEGER NOT NULL DEFAULT 0,
    status              TEXT NOT NULL DEFAULT 'connected',
    status_reason       TEXT,
    requested_scope     TEXT,
    issued_at           INTEGER,
    refresh_expires_at  INTEGER,
    last_refreshed_at   INTEGER,
    next_refresh_at     INTEGER,
    failures            INTEGER NOT NULL DEFAULT 0,
    last_outcome        TEXT,
    correlation_id      TEXT
) STRICT;
CREATE INDEX evergrant_connections_due ON evergrant_connections (next_refresh_at) WHERE next_refresh_at IS NOT NULL;

CREATE TABLE evergrant_flows (
    id              TEXT PRIMARY KEY,
    state_hash      BLOB NOT NULL UNIQUE,
    user_id         INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    provider        TEXT NOT NULL,
    redirect_url    TEXT NOT NULL,
    scope           TEXT NOT NULL,
    reconnect       TEXT,
    verifier        TEXT,
    issuer          TEXT,
    challenge       TEXT,
    correlation_id  TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    status          TEXT NOT NULL DEFAULT 'waiting',
    consumed_at     INTEGER,
    code_hash       BLOB,
    receipt_salt    BLOB NOT NULL,
    receipt_hash    BLOB,
    finish_by       INTEGER,
    error_code      TEXT,
    account         TEXT,
    access_token    TEXT,
    refresh_token   TEXT,
    token_facts     TEXT,
    accounts        TEXT
) STRICT;
CREATE INDEX evergrant_flows_user ON evergrant_flows (user_id);
CREATE INDEX evergrant_flows_expires ON evergrant_flows (expires_at);
CREATE INDEX evergrant_flows_unfinished ON evergrant_flows (finish_by) WHERE status IN ('pending', 'choose');

CREATE TABLE evergrant_api_keys (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    secret_hash   BLOB NOT NULL,
    scopes        TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER,
    revoked_at    INTEGER
) STRICT;

CREATE TABLE evergrant_sessions (
    id           TEXT PRIMARY KEY,
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    secret_hash  BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX evergrant_sessions_user ON evergrant_sessions (user_id);
CREATE INDEX evergrant_sessions_expires ON evergrant_sessions (expires_at);

-- Grants that were given up here and that the platform has not confirmed yet.
CREATE TABLE evergrant_revocations (
    id              TEXT PRIMARY KEY,
    provider        TEXT NOT NULL,
    person          TEXT,
    access_token    TEXT,
    refresh_token   TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    correlation_id  TEXT NOT NULL
) STRICT;
CREATE INDEX evergrant_revocations_due ON evergrant_revocations (next_attempt_at);

-- A text under each key that ever wrote here, so that a wrong key is noticed before it writes.
CREATE TABLE evergrant_key_checks (
    fingerprint  TEXT PRIMARY KEY,
    value        TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

-- The outbox: each change of a user's connections, written in the transaction that made it.
CREATE TABLE evergrant_versions (
    user_id  INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    version  INTEGER NOT NULL
) STRICT;
CREATE TABLE evergrant_events (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id              INTEGER NOT NULL,
    version              INTEGER NOT NULL,
    kind                 TEXT NOT NULL,
    provider             TEXT,
    provider_account_id  TEXT,
    correlation_id       TEXT,
    created_at           INTEGER NOT NULL
) STRICT;
CREATE INDEX evergrant_events_created ON evergrant_events (created_at);
