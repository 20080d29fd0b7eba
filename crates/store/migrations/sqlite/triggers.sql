-- The triggers that record changes of the shared tables by other programs in evergrant_row_changes. They call only
-- functions of SQLite itself, so any program can write the tables. Evergrant marks its own transactions
-- (db/own_writes.rs), for which they do not fire.

DROP TRIGGER IF EXISTS evergrant_accounts_inserted;
CREATE TRIGGER evergrant_accounts_inserted AFTER INSERT ON oauth_accounts
WHEN NOT EXISTS (SELECT 1 FROM evergrant_own_write)
BEGIN
    INSERT INTO evergrant_row_changes (user_id, provider, provider_account_id, details_only)
    VALUES (NEW.user_id, NEW.provider, NEW.provider_account_id, 0);
END;

-- Records the rows that REPLACE is about to delete, since it fires no delete triggers.
DROP TRIGGER IF EXISTS evergrant_accounts_replaced;
CREATE TRIGGER evergrant_accounts_replaced BEFORE INSERT ON oauth_accounts
WHEN NOT EXISTS (SELECT 1 FROM evergrant_own_write)
BEGIN
    INSERT INTO evergrant_row_changes (user_id, provider, provider_account_id, details_only)
    SELECT user_id, provider, provider_account_id, 0 FROM oauth_accounts
    WHERE id = NEW.id OR (provider = NEW.provider AND provider_account_id = NEW.provider_account_id);
END;

DROP TRIGGER IF EXISTS evergrant_accounts_updated;
CREATE TRIGGER evergrant_accounts_updated AFTER UPDATE ON oauth_accounts
WHEN NOT EXISTS (SELECT 1 FROM evergrant_own_write)
    AND (OLD.id, OLD.user_id, OLD.provider, OLD.provider_account_id, OLD.access_token, OLD.refresh_token,
        OLD.expires_at, OLD.token_type, OLD.scope, OLD.metadata)
    IS NOT (NEW.id, NEW.user_id, NEW.provider, NEW.provider_account_id, NEW.access_token, NEW.refresh_token,
        NEW.expires_at, NEW.token_type, NEW.scope, NEW.metadata)
BEGIN
    INSERT INTO evergrant_row_changes (user_id, provider, provider_account_id, details_only)
    SELECT NEW.user_id, NEW.provider, NEW.provider_account_id,
        (OLD.user_id, OLD.provider, OLD.provider_account_id, OLD.access_token, OLD.refresh_token)
        IS (NEW.user_id, NEW.provider, NEW.provider_account_id, NEW.access_token, NEW.refresh_token);
    INSERT INTO evergrant_row_changes (user_id, provider, provider_account_id, details_only)
    SELECT OLD.user_id, OLD.provider, OLD.provider_account_id, 0
    WHERE (OLD.user_id, OLD.provider, OLD.provider_account_id)
        IS NOT (NEW.user_id, NEW.provider, NEW.provider_account_id);
END;

DROP TRIGGER IF EXISTS evergrant_accounts_deleted;
CREATE TRIGGER evergrant_accounts_deleted AFTER DELETE ON oauth_accounts
WHEN NOT EXISTS (SELECT 1 FROM evergrant_own_write)
BEGIN
    INSERT INTO evergrant_row_changes (user_id, provider, provider_account_id, details_only)
    VALUES (OLD.user_id, OLD.provider, OLD.provider_account_id, 0);
END;

-- Records the users that REPLACE is about to delete.
DROP TRIGGER IF EXISTS evergrant_users_replaced;
CREATE TRIGGER evergrant_users_replaced BEFORE INSERT ON users
WHEN NOT EXISTS (SELECT 1 FROM evergrant_own_write)
BEGIN
    INSERT INTO evergrant_row_changes (user_id)
    SELECT id FROM users WHERE id = NEW.id OR email = NEW.email OR external_id = NEW.external_id;
END;

DROP TRIGGER IF EXISTS evergrant_users_updated;
CREATE TRIGGER evergrant_users_updated AFTER UPDATE OF id ON users
WHEN OLD.id IS NOT NEW.id AND NOT EXISTS (SELECT 1 FROM evergrant_own_write)
BEGIN
    INSERT INTO evergrant_row_changes (user_id) VALUES (OLD.id);
END;

DROP TRIGGER IF EXISTS evergrant_users_deleted;
CREATE TRIGGER evergrant_users_deleted AFTER DELETE ON users
WHEN NOT EXISTS (SELECT 1 FROM evergrant_own_write)
BEGIN
    INSERT INTO evergrant_row_changes (user_id) VALUES (OLD.id);
END;

-- A refresh may be in flight while its row is deleted and inserted again. The state of the connection is deleted with
-- the row, so its lease is kept with the copy of its tokens.
DROP TRIGGER IF EXISTS evergrant_keep_lease;
CREATE TRIGGER evergrant_keep_lease BEFORE DELETE ON evergrant_connections
BEGIN
    UPDATE evergrant_token_copies SET oauth_account_id = NULL,
        deleted_at = CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER),
        generation = OLD.generation, attempt = OLD.attempt,
        lease_owner = OLD.lease_owner, lease_lock = OLD.lease_lock, lease_expires_at = OLD.lease_expires_at,
        in_doubt_since = OLD.in_doubt_since, source_generation = OLD.source_generation,
        source_attempt = OLD.source_attempt
    WHERE oauth_account_id = OLD.oauth_account_id OR (oauth_account_id IS NULL AND user_id = OLD.observed_user_id
        AND provider = OLD.provider AND provider_account_id = OLD.observed_account);
END;
