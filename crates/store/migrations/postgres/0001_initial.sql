-- The initial schema for PostgreSQL. Times are UTC.
-- Tokens and other secrets are stored encrypted or hashed, never in plaintext.

-- Shared with the host application, as described in docs/schema.prisma. A table that exists is kept; Evergrant's
-- columns are added to it.
CREATE TABLE IF NOT EXISTS users (
    id          serial PRIMARY KEY,
    email       varchar(255) UNIQUE,
    name        varchar(255),
    created_at  timestamp(6) NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
    updated_at  timestamp(6) NOT NULL DEFAULT (now() AT TIME ZONE 'utc')
);
ALTER TABLE users ADD COLUMN IF NOT EXISTS external_id text; -- the host application's own id for the user
CREATE UNIQUE INDEX IF NOT EXISTS users_external_id_key ON users (external_id);

CREATE TABLE IF NOT EXISTS oauth_accounts (
    id                   serial PRIMARY KEY,
    user_id              integer NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    provider             varchar(50) NOT NULL,
    provider_account_id  varchar(255) NOT NULL, -- the account's id at the provider
    access_token         text, -- encrypted
    refresh_token        text, -- encrypted
    expires_at           timestamp(6), -- when the access token expires; NULL: unknown
    token_type           varchar(50),
    scope                text, -- granted scopes, separated by spaces
    metadata             jsonb, -- object: what the provider says about the account
    created_at           timestamp(6) NOT NULL DEFAULT (now() AT TIME ZONE 'utc'),
    updated_at           timestamp(6) NOT NULL DEFAULT (now() AT TIME ZONE 'utc')
);
ALTER TABLE oauth_accounts ADD COLUMN IF NOT EXISTS token_binding text; -- reserved: ties the tokens to this row
CREATE UNIQUE INDEX IF NOT EXISTS oauth_accounts_provider_provider_account_id_key
    ON oauth_accounts (provider, provider_account_id);
CREATE INDEX IF NOT EXISTS oauth_accounts_user_id_provider_idx ON oauth_accounts (user_id, provider);

-- The state of a connection beyond its tokens. A row of oauth_accounts that another program wrote has none until it is
-- imported.
CREATE TABLE evergrant_connections (
    oauth_account_id    integer PRIMARY KEY REFERENCES oauth_accounts (id) ON DELETE CASCADE ON UPDATE CASCADE,
    provider            text NOT NULL, -- copy of oauth_accounts.provider, for the indexes
    status              text NOT NULL DEFAULT 'connected', -- connected, expiring, expired or error
    status_reason       text, -- why, as a code; NULL: no remark
    next_status_at      timestamp(6), -- when time alone changes the status next; NULL: never
    requested_scope     text, -- scopes requested at the last consent, separated by spaces; NULL: imported row
    issued_at           timestamp(6), -- when the access token was requested; NULL: imported row
    grant_expires_at    timestamp(6), -- when the grant ends even if it is refreshed; NULL: no known end
    -- The row of oauth_accounts as Evergrant last stored or imported it; a difference means that another program has
    -- written it.
    observed_user_id    integer,
    observed_account    text, -- provider_account_id
    observed_tokens     text, -- first 32 characters of each token's ciphertext, separated by a dot
    last_refreshed_at   timestamp(6),
    next_refresh_at     timestamp(6), -- when the next refresh or check is due; NULL: never
    retry_at            timestamp(6), -- after a failed refresh: from when it is repeated for a waiting caller
    last_used_at        timestamp(6), -- when the access token was last issued to the application, to the minute
    failures            integer NOT NULL DEFAULT 0, -- failed refreshes since the last successful one
    last_outcome        text, -- how the last failed refresh ended, as defined by the service; NULL after a success
    rejected_at         timestamp(6), -- when the provider rejected the grant; NULL: not rejected
    -- The refresh lease, see evergrant_resilience::refresh::lease. Its times are on the database's clock.
    generation          bigint NOT NULL DEFAULT 0, -- number of token sets stored so far
    attempt             bigint NOT NULL DEFAULT 0, -- number of leases taken so far; fencing token of the latest
    lease_owner         text, -- id of the replica that took the latest lease
    lease_lock          text, -- its id again if it held the lock that shows that it is alive; NULL: only the expiry counts
    lease_expires_at    timestamp(6), -- NULL: released
    in_doubt_since      timestamp(6), -- since when it is unknown whether the provider has used up the refresh token
    source_generation   bigint, -- generation whose refresh token obtained the stored tokens; NULL: not a refresh
    source_attempt      bigint, -- attempt that obtained the stored tokens; NULL: not a refresh
    correlation_id      text -- of the operation that last changed the status
);
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
    id                   bigserial PRIMARY KEY,
    oauth_account_id     integer UNIQUE REFERENCES oauth_accounts (id) ON DELETE SET NULL ON UPDATE CASCADE,
    user_id              integer REFERENCES users (id) ON DELETE SET NULL ON UPDATE CASCADE,
    provider             text NOT NULL,
    provider_account_id  text NOT NULL,
    access_token         text, -- encrypted
    refresh_token        text, -- encrypted
    expires_at           timestamp(6),
    token_type           text,
    scope                text,
    digest               text, -- SHA-256, in hex, of the refresh token, else of the access token; NULL: unreadable
    spent_1              text, -- the same of the last three that were replaced, newest first
    spent_2              text,
    spent_3              text,
    deleted_at           timestamp(6), -- when the row of oauth_accounts was deleted; NULL: it exists
    -- The state of the connection in evergrant_connections when the row was deleted.
    generation           bigint,
    attempt              bigint,
    lease_owner          text,
    lease_lock           text,
    lease_expires_at     timestamp(6),
    in_doubt_since       timestamp(6),
    source_generation    bigint,
    source_attempt       bigint
);
CREATE INDEX evergrant_token_copies_by_account ON evergrant_token_copies (user_id, provider, provider_account_id);
CREATE INDEX evergrant_token_copies_spent_1 ON evergrant_token_copies (spent_1) WHERE spent_1 IS NOT NULL;
CREATE INDEX evergrant_token_copies_spent_2 ON evergrant_token_copies (spent_2) WHERE spent_2 IS NOT NULL;
CREATE INDEX evergrant_token_copies_spent_3 ON evergrant_token_copies (spent_3) WHERE spent_3 IS NOT NULL;
CREATE INDEX evergrant_token_copies_deleted ON evergrant_token_copies (deleted_at) WHERE oauth_account_id IS NULL;

-- Authorization flows: one row for each attempt of a user to connect an account.
CREATE TABLE evergrant_flows (
    id                    text PRIMARY KEY,
    state_hash            bytea NOT NULL UNIQUE, -- SHA-256 of the `state` parameter
    user_id               integer NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    provider              text NOT NULL,
    redirect_url          text NOT NULL, -- where the browser goes when the flow ends
    requested_scope       text NOT NULL, -- separated by spaces
    reconnect_account     text, -- provider_account_id that the user must sign in with; NULL: any
    pkce_verifier         text, -- encrypted; NULL: the provider has no PKCE
    expected_issuer       text, -- `iss` that the callback must carry (RFC 9207); NULL: none
    finish_challenge      text, -- SHA-256, as base64url, of the verifier that the browser must present to finish the
                                -- flow; NULL: the flow is not bound to a browser
    correlation_id        text NOT NULL,
    created_at            timestamp(6) NOT NULL,
    expires_at            timestamp(6) NOT NULL, -- when the state expires
    status                text NOT NULL DEFAULT 'waiting', -- waiting, choose, pending, connected or error
    consumed_at           timestamp(6), -- when the callback arrived; a state is accepted once
    code_hash             bytea, -- SHA-256 of the authorization code of the callback
    receipt_salt          bytea NOT NULL, -- secret input of the receipt
    receipt_hash          bytea, -- SHA-256 of the receipt, which proves that a browser is the one that consented
    finish_expires_at     timestamp(6), -- until when a parked flow (choose, pending) can be finished
    error_code            text, -- why the flow failed
    error_details         jsonb, -- what the user is told about the failure; NULL unless the flow failed
    connected_account     text, -- provider_account_id of the first account that the flow connected
    -- The grant of a parked flow; NULL otherwise.
    access_token          text, -- encrypted
    refresh_token         text, -- encrypted
    token_details         jsonb, -- the rest of the token set, such as its expiry
    granted_accounts      jsonb -- the accounts that the grant reaches
);
CREATE INDEX evergrant_flows_by_user ON evergrant_flows (user_id);
CREATE INDEX evergrant_flows_by_expiry ON evergrant_flows (expires_at);
CREATE INDEX evergrant_flows_unfinished ON evergrant_flows (finish_expires_at)
    WHERE status IN ('pending', 'choose');

-- Grants that are disconnected here and not yet revoked at the provider.
CREATE TABLE evergrant_revocations (
    id                text PRIMARY KEY,
    provider          text NOT NULL,
    provider_user_id  text, -- who gave the grant, if a revocation ends all grants of that user; else NULL
    access_token      text, -- encrypted
    refresh_token     text, -- encrypted
    attempts          integer NOT NULL DEFAULT 0, -- revocation requests so far
    next_attempt_at   timestamp(6) NOT NULL,
    expires_at        timestamp(6) NOT NULL, -- when the revocation is abandoned
    correlation_id    text NOT NULL
);
CREATE INDEX evergrant_revocations_due ON evergrant_revocations (provider, next_attempt_at);

-- The keys with which the application's server calls the API.
CREATE TABLE evergrant_api_keys (
    id            text PRIMARY KEY, -- the public half of the key
    name          text NOT NULL,
    secret_hash   bytea NOT NULL, -- SHA-256 of the secret half
    scopes        text NOT NULL, -- separated by spaces
    created_at    timestamp(6) NOT NULL,
    last_used_at  timestamp(6), -- to the minute; NULL: never
    revoked_at    timestamp(6) -- NULL: valid
);

-- Sessions of users' browsers: session tokens and console cookies.
CREATE TABLE evergrant_sessions (
    id               text PRIMARY KEY, -- the public half of the credential
    user_id          integer NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    secret_hash      bytea NOT NULL, -- SHA-256 of the secret half
    created_at       timestamp(6) NOT NULL,
    expires_at       timestamp(6) NOT NULL,
    idle_expires_at  timestamp(6), -- when the idle session expires; NULL: a session token, which has no idle timeout
    return_url       text -- the app's page to which the console leads back; NULL: none
);
CREATE INDEX evergrant_sessions_by_user ON evergrant_sessions (user_id);
CREATE INDEX evergrant_sessions_by_expiry ON evergrant_sessions (expires_at);

-- Links that sign a user in to the console, once. A used link is deleted.
CREATE TABLE evergrant_portal_links (
    id           text PRIMARY KEY, -- the public half of the link
    user_id      integer NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    secret_hash  bytea NOT NULL, -- SHA-256 of the secret half
    expires_at   timestamp(6) NOT NULL,
    return_url   text -- the app's page to which the console leads back; NULL: none
);
CREATE INDEX evergrant_portal_links_by_user ON evergrant_portal_links (user_id);
CREATE INDEX evergrant_portal_links_by_expiry ON evergrant_portal_links (expires_at);

-- A known text encrypted under each key that was ever the current one, to detect a wrong key before it writes.
CREATE TABLE evergrant_key_checks (
    fingerprint  text PRIMARY KEY, -- identifies the key without revealing it
    value        text NOT NULL, -- the known text, encrypted
    created_at   timestamp(6) NOT NULL
);

-- The version of each user's connections: every change increments it, and its row lock serializes the changes.
CREATE TABLE evergrant_versions (
    user_id  integer PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    version  bigint NOT NULL
);

-- The outbox: one event for each change, written in the transaction of the change.
CREATE TABLE evergrant_events (
    id                   bigserial PRIMARY KEY,
    user_id              integer NOT NULL, -- 0: the event concerns the installation
    version              bigint NOT NULL, -- the user's version after the change; 0 for the end of a credential
    kind                 text NOT NULL,
    provider             text, -- of the account or flow; NULL: all accounts of the user, or a credential
    provider_account_id  text,
    subject              text, -- id of the flow or credential; NULL: neither
    status               text, -- status of the flow; NULL: not about a flow
    code                 text, -- error code of a failed flow
    correlation_id       text,
    created_at           timestamp(6) NOT NULL
);
CREATE INDEX evergrant_events_by_creation ON evergrant_events (created_at);
CREATE INDEX evergrant_events_by_user ON evergrant_events (user_id, version);

-- Changes of users and oauth_accounts by other programs, which triggers record and Evergrant turns into events. A row
-- says that something may have changed, not what, and is deleted once its events are written.
CREATE TABLE evergrant_row_changes (
    id                   bigserial PRIMARY KEY,
    user_id              integer, -- the owner before or after the change; NULL: any user, after TRUNCATE
    provider             text, -- of the account; NULL: the row of the user
    provider_account_id  text,
    details_only         boolean -- neither the owner, nor the account, nor a token has changed
);

-- Blocks on calls to providers, shared by all replicas: the open circuit breakers.
CREATE TABLE evergrant_provider_blocks (
    provider           text NOT NULL,
    scope              text NOT NULL, -- kind and host of an endpoint, such as `token api.example`; or `refreshes`
    kind               text NOT NULL, -- why calls are blocked, as defined by the service
    blocked_at         timestamp(6) NOT NULL, -- when the first of the consecutive trips occurred
    blocked_until      timestamp(6) NOT NULL, -- after this time one replica may probe
    consecutive_trips  integer NOT NULL, -- one, and one more for each failed probe
    PRIMARY KEY (provider, scope, kind)
);

-- The rates at which providers accept calls, learned from their refusals and shared by all replicas.
CREATE TABLE evergrant_call_rates (
    provider        text NOT NULL,
    endpoint        text NOT NULL, -- kind and host, such as `token api.example`
    calls_per_hour  bigint NOT NULL, -- of all replicas together
    cuts            bigint NOT NULL, -- how often a refusal lowered the rate; growth since an older cut is ignored
    searching       integer NOT NULL, -- 1 if the rate is a first estimate, otherwise 0
    pause_ms        bigint NOT NULL, -- the pause that the last refusal stated
    cut_at          timestamp(6) NOT NULL, -- the last cut; the rate applies for an hour after it
    PRIMARY KEY (provider, endpoint)
);

-- Refresh tokens and codes that a provider refused without saying that the grant has ended. What several grants have in
-- common shows whether a grant or the client registration is at fault.
CREATE TABLE evergrant_refusals (
    provider    text NOT NULL,
    subject     text NOT NULL, -- the connection or the flow that was refused
    generation  bigint NOT NULL, -- of the refused refresh token; 0 for a flow
    code        text NOT NULL, -- the provider's code, or the HTTP status, of the last refusal
    refusals    integer NOT NULL, -- refusals of this generation, of those within a minute only the first
    first_at    timestamp(6) NOT NULL,
    counted_at  timestamp(6) NOT NULL, -- the last refusal that `refusals` includes
    refused_at  timestamp(6) NOT NULL, -- the last refusal
    PRIMARY KEY (provider, subject)
);

-- The running replicas, counted by heartbeat.
CREATE TABLE evergrant_replicas (
    id                 text PRIMARY KEY,
    last_heartbeat_at  timestamp(6) NOT NULL
);
