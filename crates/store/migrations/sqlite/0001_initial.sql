-- The initial schema for SQLite. Times are milliseconds since 1970-01-01T00:00:00Z.
-- Tokens and other secrets are stored encrypted or hashed, never in plaintext.

-- Shared with the host application, as described in docs/schema.prisma. A table that exists is kept; it must have
-- all of these columns.
CREATE TABLE IF NOT EXISTS users (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    email       TEXT UNIQUE,
    name        TEXT,
    external_id TEXT, -- the host application's own id for the user
    created_at  INTEGER NOT NULL DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
    updated_at  INTEGER NOT NULL DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER))
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS users_external_id_key ON users (external_id);

CREATE TABLE IF NOT EXISTS oauth_accounts (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id              INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    provider             TEXT NOT NULL,
    provider_account_id  TEXT NOT NULL, -- the account's id at the provider
    access_token         TEXT, -- encrypted
    refresh_token        TEXT, -- encrypted
    expires_at           INTEGER, -- when the access token expires; NULL: unknown
    token_type           TEXT,
    scope                TEXT, -- granted scopes, separated by spaces
    metadata             TEXT, -- JSON object: what the provider says about the account
    token_binding        TEXT, -- reserved: ties the tokens to this row
    created_at           INTEGER NOT NULL DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
    updated_at           INTEGER NOT NULL DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER))
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS oauth_accounts_provider_provider_account_id_key
    ON oauth_accounts (provider, provider_account_id);
CREATE INDEX IF NOT EXISTS oauth_accounts_user_id_provider_idx ON oauth_accounts (user_id, provider);

-- The state of a connection beyond its tokens. A row of oauth_accounts that another program wrote has none until it is
-- imported.
CREATE TABLE evergrant_connections (
    oauth_account_id    INTEGER PRIMARY KEY REFERENCES oauth_accounts (id) ON DELETE CASCADE ON UPDATE CASCADE,
    provider            TEXT NOT NULL, -- copy of oauth_accounts.provider, for the indexes
    status              TEXT NOT NULL DEFAULT 'connected', -- connected, expiring, expired or error
    status_reason       TEXT, -- why, as a code; NULL: no remark
    next_status_at      INTEGER, -- when time alone changes the status next; NULL: never
    requested_scope     TEXT, -- scopes requested at the last consent, separated by spaces; NULL: imported row
    issued_at           INTEGER, -- when the access token was requested; NULL: imported row
    grant_expires_at    INTEGER, -- when the grant ends even if it is refreshed; NULL: no known end
    -- The row of oauth_accounts as Evergrant last stored or imported it; a difference means that another program has
    -- written it.
    observed_user_id    INTEGER,
    observed_account    TEXT, -- provider_account_id
    observed_tokens     TEXT, -- first 32 characters of each token's ciphertext, separated by a dot
    last_refreshed_at   INTEGER,
    next_refresh_at     INTEGER, -- when the next refresh or check is due; NULL: never
    retry_at            INTEGER, -- after a failed refresh: from when it is repeated for a waiting caller
    last_used_at        INTEGER, -- when the access token was last issued to the application, to the minute
    failures            INTEGER NOT NULL DEFAULT 0, -- failed refreshes since the last successful one
    last_outcome        TEXT, -- how the last failed refresh ended, as defined by the service; NULL after a success
    rejected_at         INTEGER, -- when the provider rejected the grant; NULL: not rejected
    -- The refresh lease, see evergrant_resilience::refresh::lease. Its times are on the database's clock.
    generation          INTEGER NOT NULL DEFAULT 0, -- number of token sets stored so far
    attempt             INTEGER NOT NULL DEFAULT 0, -- number of leases taken so far; fencing token of the latest
    lease_owner         TEXT, -- id of the replica that took the latest lease
    lease_lock          TEXT, -- its id again if it held the lock that shows that it is alive; NULL: only the expiry counts
    lease_expires_at    INTEGER, -- NULL: released
    in_doubt_since      INTEGER, -- since when it is unknown whether the provider has used up the refresh token
    source_generation   INTEGER, -- generation whose refresh token obtained the stored tokens; NULL: not a refresh
    source_attempt      INTEGER, -- attempt that obtained the stored tokens; NULL: not a refresh
    correlation_id      TEXT -- of the operation that last changed the status
) STRICT;
CREATE INDEX evergrant_connections_refresh_due ON evergrant_connections (provider, next_refresh_at)
    WHERE next_refresh_at IS NOT NULL;
CREATE INDEX evergrant_connections_status_change_due ON evergrant_connections (next_status_at)
    WHERE next_status_at IS NOT NULL;
CREATE INDEX evergrant_connections_rejected ON evergrant_connections (provider, rejected_at)
    WHERE rejected_at IS NOT NULL;

-- The tokens of each connection as Evergrant last stored or imported them. A program that writes back an old row of
-- oauth_accounts puts a spent refresh token back; the row is then repaired from here. A copy outlives its row for a
-- while, because the program may delete the row and insert it again.
CREATE TABLE evergrant_token_copies (
    id                   INTEGER PRIMARY KEY,
    oauth_account_id     INTEGER UNIQUE REFERENCES oauth_accounts (id) ON DELETE SET NULL ON UPDATE CASCADE,
    user_id              INTEGER REFERENCES users (id) ON DELETE SET NULL ON UPDATE CASCADE,
    provider             TEXT NOT NULL,
    provider_account_id  TEXT NOT NULL,
    access_token         TEXT, -- encrypted
    refresh_token        TEXT, -- encrypted
    expires_at           INTEGER,
    token_type           TEXT,
    scope                TEXT,
    digest               TEXT, -- SHA-256, in hex, of the refresh token, else of the access token; NULL: unreadable
    spent_1              TEXT, -- the same of the last three that were replaced, newest first
    spent_2              TEXT,
    spent_3              TEXT,
    deleted_at           INTEGER, -- when the row of oauth_accounts was deleted; NULL: it exists
    -- The state of the connection in evergrant_connections when the row was deleted.
    generation           INTEGER,
    attempt              INTEGER,
    lease_owner          TEXT,
    lease_lock           TEXT,
    lease_expires_at     INTEGER,
    in_doubt_since       INTEGER,
    source_generation    INTEGER,
    source_attempt       INTEGER
) STRICT;
CREATE INDEX evergrant_token_copies_by_account ON evergrant_token_copies (user_id, provider, provider_account_id);
CREATE INDEX evergrant_token_copies_spent_1 ON evergrant_token_copies (spent_1) WHERE spent_1 IS NOT NULL;
CREATE INDEX evergrant_token_copies_spent_2 ON evergrant_token_copies (spent_2) WHERE spent_2 IS NOT NULL;
CREATE INDEX evergrant_token_copies_spent_3 ON evergrant_token_copies (spent_3) WHERE spent_3 IS NOT NULL;
CREATE INDEX evergrant_token_copies_deleted ON evergrant_token_copies (deleted_at) WHERE oauth_account_id IS NULL;

-- Authorization flows: one row for each attempt of a user to connect an account.
CREATE TABLE evergrant_flows (
    id                    TEXT PRIMARY KEY,
    state_hash            BLOB NOT NULL UNIQUE, -- SHA-256 of the `state` parameter
    user_id               INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    provider              TEXT NOT NULL,
    redirect_url          TEXT NOT NULL, -- where the browser goes when the flow ends
    requested_scope       TEXT NOT NULL, -- separated by spaces
    reconnect_account     TEXT, -- provider_account_id that the user must sign in with; NULL: any
    pkce_verifier         TEXT, -- encrypted; NULL: the provider has no PKCE
    expected_issuer       TEXT, -- `iss` that the callback must carry (RFC 9207); NULL: none
    finish_challenge      TEXT, -- SHA-256, as base64url, of the verifier that the browser must present to finish the
                                -- flow; NULL: the flow is not bound to a browser
    correlation_id        TEXT NOT NULL,
    created_at            INTEGER NOT NULL,
    expires_at            INTEGER NOT NULL, -- when the state expires
    status                TEXT NOT NULL DEFAULT 'waiting', -- waiting, choose, pending, connected or error
    consumed_at           INTEGER, -- when the callback arrived; a state is accepted once
    code_hash             BLOB, -- SHA-256 of the authorization code of the callback
    receipt_salt          BLOB NOT NULL, -- secret input of the receipt
    receipt_hash          BLOB, -- SHA-256 of the receipt, which proves that a browser is the one that consented
    finish_expires_at     INTEGER, -- until when a parked flow (choose, pending) can be finished
    error_code            TEXT, -- why the flow failed
    error_details         TEXT, -- what the user is told about the failure; NULL unless the flow failed
    connected_account     TEXT, -- provider_account_id of the first account that the flow connected
    -- The grant of a parked flow; NULL otherwise.
    access_token          TEXT, -- encrypted
    refresh_token         TEXT, -- encrypted
    token_details         TEXT, -- the rest of the token set, such as its expiry
    granted_accounts      TEXT -- the accounts that the grant reaches
) STRICT;
CREATE INDEX evergrant_flows_by_user ON evergrant_flows (user_id);
CREATE INDEX evergrant_flows_by_expiry ON evergrant_flows (expires_at);
CREATE INDEX evergrant_flows_unfinished ON evergrant_flows (finish_expires_at)
    WHERE status IN ('pending', 'choose');

-- Grants that are disconnected here and not yet revoked at the provider.
CREATE TABLE evergrant_revocations (
    id                TEXT PRIMARY KEY,
    provider          TEXT NOT NULL,
    provider_user_id  TEXT, -- who gave the grant, if a revocation ends all grants of that user; else NULL
    access_token      TEXT, -- encrypted
    refresh_token     TEXT, -- encrypted
    attempts          INTEGER NOT NULL DEFAULT 0, -- revocation requests so far
    next_attempt_at   INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL, -- when the revocation is abandoned
    correlation_id    TEXT NOT NULL
) STRICT;
CREATE INDEX evergrant_revocations_due ON evergrant_revocations (provider, next_attempt_at);

-- The keys with which the application's server calls the API.
CREATE TABLE evergrant_api_keys (
    id            TEXT PRIMARY KEY, -- the public half of the key
    name          TEXT NOT NULL,
    secret_hash   BLOB NOT NULL, -- SHA-256 of the secret half
    scopes        TEXT NOT NULL, -- separated by spaces
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER, -- to the minute; NULL: never
    revoked_at    INTEGER -- NULL: valid
) STRICT;

-- Sessions of users' browsers: session tokens and console cookies.
CREATE TABLE evergrant_sessions (
    id               TEXT PRIMARY KEY, -- the public half of the credential
    user_id          INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    secret_hash      BLOB NOT NULL, -- SHA-256 of the secret half
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    idle_expires_at  INTEGER, -- when the idle session expires; NULL: a session token, which has no idle timeout
    return_url       TEXT -- the app's page to which the console leads back; NULL: none
) STRICT;
CREATE INDEX evergrant_sessions_by_user ON evergrant_sessions (user_id);
CREATE INDEX evergrant_sessions_by_expiry ON evergrant_sessions (expires_at);

-- Links that sign a user in to the console, once. A used link is deleted.
CREATE TABLE evergrant_portal_links (
    id           TEXT PRIMARY KEY, -- the public half of the link
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    secret_hash  BLOB NOT NULL, -- SHA-256 of the secret half
    expires_at   INTEGER NOT NULL,
    return_url   TEXT -- the app's page to which the console leads back; NULL: none
) STRICT;
CREATE INDEX evergrant_portal_links_by_user ON evergrant_portal_links (user_id);
CREATE INDEX evergrant_portal_links_by_expiry ON evergrant_portal_links (expires_at);

-- A known text encrypted under each key that was ever the current one, to detect a wrong key before it writes.
CREATE TABLE evergrant_key_checks (
    fingerprint  TEXT PRIMARY KEY, -- identifies the key without revealing it
    value        TEXT NOT NULL, -- the known text, encrypted
    created_at   INTEGER NOT NULL
) STRICT;

-- The version of each user's connections: every change increments it, and its row lock serializes the changes.
CREATE TABLE evergrant_versions (
    user_id  INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    version  INTEGER NOT NULL
) STRICT;

-- The outbox: one event for each change, written in the transaction of the change.
CREATE TABLE evergrant_events (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id              INTEGER NOT NULL, -- 0: the event concerns the installation
    version              INTEGER NOT NULL, -- the user's version after the change; 0 for the end of a credential
    kind                 TEXT NOT NULL,
    provider             TEXT, -- of the account or flow; NULL: all accounts of the user, or a credential
    provider_account_id  TEXT,
    subject              TEXT, -- id of the flow or credential; NULL: neither
    status               TEXT, -- status of the flow; NULL: not about a flow
    code                 TEXT, -- error code of a failed flow
    correlation_id       TEXT,
    created_at           INTEGER NOT NULL
) STRICT;
CREATE INDEX evergrant_events_by_creation ON evergrant_events (created_at);
CREATE INDEX evergrant_events_by_user ON evergrant_events (user_id, version);

-- Changes of users and oauth_accounts by other programs, which triggers record and Evergrant turns into events. A row
-- says that something may have changed, not what, and is deleted once its events are written.
CREATE TABLE evergrant_row_changes (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id              INTEGER, -- the owner before or after the change; NULL: any user, after TRUNCATE
    provider             TEXT, -- of the account; NULL: the row of the user
    provider_account_id  TEXT,
    details_only         INTEGER -- neither the owner, nor the account, nor a token has changed
);

-- Contains a row while a transaction of Evergrant writes the shared tables. No other connection ever sees it.
CREATE TABLE evergrant_own_write (
    id  INTEGER PRIMARY KEY
) STRICT;

-- Blocks on calls to providers, shared by all replicas: the open circuit breakers.
CREATE TABLE evergrant_provider_blocks (
    provider           TEXT NOT NULL,
    scope              TEXT NOT NULL, -- kind and host of an endpoint, such as `token api.example`; or `refreshes`
    kind               TEXT NOT NULL, -- why calls are blocked, as defined by the service
    blocked_at         INTEGER NOT NULL, -- when the first of the consecutive trips occurred
    blocked_until      INTEGER NOT NULL, -- after this time one replica may probe
    consecutive_trips  INTEGER NOT NULL, -- one, and one more for each failed probe
    PRIMARY KEY (provider, scope, kind)
) STRICT;

-- The rates at which providers accept calls, learned from their refusals and shared by all replicas.
CREATE TABLE evergrant_call_rates (
    provider        TEXT NOT NULL,
    endpoint        TEXT NOT NULL, -- kind and host, such as `token api.example`
    calls_per_hour  INTEGER NOT NULL, -- of all replicas together
    cuts            INTEGER NOT NULL, -- how often a refusal lowered the rate; growth since an older cut is ignored
    searching       INTEGER NOT NULL, -- 1 if the rate is a first estimate, otherwise 0
    pause_ms        INTEGER NOT NULL, -- the pause that the last refusal stated
    cut_at          INTEGER NOT NULL, -- the last cut; the rate applies for an hour after it
    PRIMARY KEY (provider, endpoint)
) STRICT;

-- Refresh tokens and codes that a provider refused without saying that the grant has ended. What several grants have in
-- common shows whether a grant or the client registration is at fault.
CREATE TABLE evergrant_refusals (
    provider    TEXT NOT NULL,
    subject     TEXT NOT NULL, -- the connection or the flow that was refused
    generation  INTEGER NOT NULL, -- of the refused refresh token; 0 for a flow
    code        TEXT NOT NULL, -- the provider's code, or the HTTP status, of the last refusal
    refusals    INTEGER NOT NULL, -- refusals of this generation, of those within a minute only the first
    first_at    INTEGER NOT NULL,
    counted_at  INTEGER NOT NULL, -- the last refusal that `refusals` includes
    refused_at  INTEGER NOT NULL, -- the last refusal
    PRIMARY KEY (provider, subject)
) STRICT;

-- The running replicas, counted by heartbeat.
CREATE TABLE evergrant_replicas (
    id                 TEXT PRIMARY KEY,
    last_heartbeat_at  INTEGER NOT NULL
) STRICT;
