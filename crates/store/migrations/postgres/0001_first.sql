-- The two shared tables. An application may have them already, so each is made only where it is missing.
CREATE TABLE IF NOT EXISTS users (
    id          serial PRIMARY KEY,
    email       varchar(255) UNIQUE,
    name        varchar(255),
    created_at  timestamp(6) NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
    updated_at  timestamp(6) NOT NULL DEFAULT (now() AT TIME ZONE 'utc')
);
ALTER TABLE users ADD COLUMN IF NOT EXISTS external_id text;
CREATE UNIQUE INDEX IF NOT EXISTS users_external_id_key ON users (external_id);

CREATE TABLE IF NOT EXISTS oauth_accounts (
    id                   serial PRIMARY KEY,
    user_id              integer NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    provider             varchar(50) NOT NULL,
    provider_account_id  varchar(255) NOT NULL,
    access_token         text,
    refresh_token        text,
    expires_at           timestamp(6),
    token_type           varchar(50),
    scope                text,
    metadata             jsonb,
    created_at           timestamp(6) NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
    updated_at           timestamp(6) NOT NULL DEFAULT (now() AT TIME ZONE 'utc')
);
ALTER TABLE oauth_accounts ADD COLUMN IF NOT EXISTS token_binding text;
CREATE UNIQUE INDEX IF NOT EXISTS oauth_accounts_provider_provider_account_id_key ON oauth_accounts (provider, provider_account_id);
CREATE INDEX IF NOT EXISTS oauth_accounts_user_id_provider_idx ON oauth_accounts (user_id, provider);

-- What we know of a connection beyond its tokens. A row that another program wrote has none until we touch it.
CREATE TABLE evergrant_connections (
    oauth_account_id    integer PRIMARY KEY REFERENCES oauth_accounts (id) ON DELETE CASCADE ON UPDATE CASCADE,
    generation          bigint NOT NULL DEFAULT 0,
    status              text NOT NULL DEFAULT 'connected',
    status_reason       text,
    requested_scope     text,
    issued_at           timestamp(6),
    refresh_expires_at  timestamp(6),
    last_refreshed_at   timestamp(6),
    next_refresh_at     timestamp(6),
    failures            integer NOT NULL DEFAULT 0,
    last_outcome        text,
    correlation_id      text
);
CREATE INDEX evergrant_connections_due ON evergrant_connections (next_refresh_at) WHERE next_refresh_at IS NOT NULL;

CREATE TABLE evergrant_flows (
    id              text PRIMARY KEY,
    state_hash      bytea NOT NULL UNIQUE,
    user_id         integer NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    provider        text NOT NULL,
    redirect_url    text NOT NULL,
    scope           text NOT NULL,
    reconnect       text,
    verifier        text,
    issuer          text,
    challenge       text,
    correlation_id  text NOT NULL,
    created_at      timestamp(6) NOT NULL,
    expires_at      timestamp(6) NOT NULL,
    status          text NOT NULL DEFAULT 'waiting',
    consumed_at     timestamp(6),
    code_hash       bytea,
    receipt_salt    bytea NOT NULL,
    receipt_hash    bytea,
    finish_by       timestamp(6),
    error_code      text,
    account         text,
    access_token    text,
    refresh_token   text,
    token_facts     jsonb,
    accounts        jsonb
);
CREATE INDEX evergrant_flows_user ON evergrant_flows (user_id);
CREATE INDEX evergrant_flows_expires ON evergrant_flows (expires_at);
CREATE INDEX evergrant_flows_unfinished ON evergrant_flows (finish_by) WHERE status IN ('pending', 'choose');

CREATE TABLE evergrant_api_keys (
    id            text PRIMARY KEY,
    name          text NOT NULL,
    secret_hash   bytea NOT NULL,
    scopes        text NOT NULL,
    created_at    timestamp(6) NOT NULL,
    last_used_at  timestamp(6),
    revoked_at    timestamp(6)
);

CREATE TABLE evergrant_sessions (
    id           text PRIMARY KEY,
    user_id      integer NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    secret_hash  bytea NOT NULL,
    created_at   timestamp(6) NOT NULL,
    expires_at   timestamp(6) NOT NULL
);
CREATE INDEX evergrant_sessions_user ON evergrant_sessions (user_id);
CREATE INDEX evergrant_sessions_expires ON evergrant_sessions (expires_at);

-- Grants that were given up here and that the platform has not confirmed yet.
CREATE TABLE evergrant_revocations (
    id              text PRIMARY KEY,
    provider        text NOT NULL,
    person          text,
    access_token    text,
    refresh_token   text,
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamp(6) NOT NULL,
    expires_at      timestamp(6) NOT NULL,
    correlation_id  text NOT NULL
);
CREATE INDEX evergrant_revocations_due ON evergrant_revocations (next_attempt_at);

-- A text under each key that ever wrote here, so that a wrong key is noticed before it writes.
CREATE TABLE evergrant_key_checks (
    fingerprint  text PRIMARY KEY,
    value        text NOT NULL,
    created_at   timestamp(6) NOT NULL
);

-- The outbox: each change of a user's connections, written in the transaction that made it.
CREATE TABLE evergrant_versions (
    user_id  integer PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    version  bigint NOT NULL
);
CREATE TABLE evergrant_events (
    id                   bigserial PRIMARY KEY,
    user_id              integer NOT NULL,
    version              bigint NOT NULL,
    kind                 text NOT NULL,
    provider             text,
    provider_account_id  text,
    correlation_id       text,
    created_at           timestamp(6) NOT NULL
);
CREATE INDEX evergrant_events_created ON evergrant_events (created_at);
