-- The triggers that record changes of the shared tables by other programs in evergrant_row_changes. They take no row
-- lock and never fail the statement that fires them. If another session locks evergrant_row_changes, the statement
-- continues after 100 ms, and the change is found by comparing rows. Evergrant marks its own transactions
-- (db/own_writes.rs), for which they do not fire. The functions run with the rights of the role that migrates, because
-- the application's role may have none on Evergrant's tables.
--
-- A notification is sent only where it cannot fail the application's transaction: PREPARE TRANSACTION rejects
-- transactions that have sent one, and COMMIT does if the queue is full. Without it, polling finds the change.
CREATE OR REPLACE FUNCTION evergrant_notify_row_change() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('max_prepared_transactions') = '0' AND pg_notification_queue_usage() < 0.5 THEN
        PERFORM pg_notify('evergrant', '');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION evergrant_record_accounts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO evergrant_row_changes (user_id, provider, provider_account_id, details_only)
        SELECT user_id, provider, provider_account_id, false FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO evergrant_row_changes (user_id, provider, provider_account_id, details_only)
        SELECT user_id, provider, provider_account_id, false FROM old_rows;
    ELSE
        INSERT INTO evergrant_row_changes (user_id, provider, provider_account_id, details_only)
        SELECT key.user_id, key.provider, key.account, bool_and(
            (o.user_id, o.provider, o.provider_account_id, o.access_token, o.refresh_token)
            IS NOT DISTINCT FROM
            (n.user_id, n.provider, n.provider_account_id, n.access_token, n.refresh_token))
        FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
        CROSS JOIN LATERAL (VALUES
            (o.user_id, o.provider, o.provider_account_id),
            (n.user_id, n.provider, n.provider_account_id)) AS key (user_id, provider, account)
        WHERE key.user_id IS NOT NULL
            AND (o.id, o.user_id, o.provider, o.provider_account_id, o.access_token, o.refresh_token,
                o.expires_at, o.token_type, o.scope, o.metadata::text)
            IS DISTINCT FROM
                (n.id, n.user_id, n.provider, n.provider_account_id, n.access_token, n.refresh_token,
                n.expires_at, n.token_type, n.scope, n.metadata::text)
        GROUP BY key.user_id, key.provider, key.account;
    END IF;
    IF FOUND THEN
        PERFORM evergrant_notify_row_change();
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE LOG 'evergrant did not record a change of oauth_accounts: %', SQLERRM;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION evergrant_record_users() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO evergrant_row_changes (user_id) VALUES (OLD.id);
    ELSE
        INSERT INTO evergrant_row_changes (user_id) SELECT id FROM old_rows;
    END IF;
    IF FOUND THEN
        PERFORM evergrant_notify_row_change();
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE LOG 'evergrant did not record a change of users: %', SQLERRM;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION evergrant_record_truncation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO evergrant_row_changes (user_id) VALUES (NULL);
    PERFORM evergrant_notify_row_change();
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE LOG 'evergrant did not record the truncation of %: %', TG_TABLE_NAME, SQLERRM;
    RETURN NULL;
END $$;

-- A refresh may be in flight while its row is deleted and inserted again. The state of the connection is deleted with
-- the row, so its lease is kept with the copy of its tokens.
CREATE OR REPLACE FUNCTION evergrant_keep_lease() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    UPDATE evergrant_token_copies SET oauth_account_id = NULL, deleted_at = now() AT TIME ZONE 'utc',
        generation = OLD.generation, attempt = OLD.attempt,
        lease_owner = OLD.lease_owner, lease_lock = OLD.lease_lock, lease_expires_at = OLD.lease_expires_at,
        in_doubt_since = OLD.in_doubt_since, source_generation = OLD.source_generation,
        source_attempt = OLD.source_attempt
    WHERE oauth_account_id = OLD.oauth_account_id OR (oauth_account_id IS NULL AND user_id = OLD.observed_user_id
        AND provider = OLD.provider AND provider_account_id = OLD.observed_account);
    RETURN OLD;
EXCEPTION WHEN OTHERS THEN
    -- The statement of the application must not fail.
    RAISE LOG 'evergrant did not keep the lease of a deleted connection: %', SQLERRM;
    RETURN OLD;
END $$;

-- Fixes the search path of the functions to this schema, and lets no other role use them in triggers of its own.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['evergrant_notify_row_change', 'evergrant_record_accounts', 'evergrant_record_users',
        'evergrant_record_truncation', 'evergrant_keep_lease']
    LOOP
        EXECUTE format('ALTER FUNCTION %I.%I() SET search_path = pg_catalog, %I, pg_temp',
            current_schema(), name, current_schema());
        EXECUTE format('ALTER FUNCTION %I.%I() SET lock_timeout = ''100ms''', current_schema(), name);
        EXECUTE format('REVOKE ALL ON FUNCTION %I.%I() FROM PUBLIC', current_schema(), name);
    END LOOP;
END $$;

DROP TRIGGER IF EXISTS evergrant_accounts_inserted ON oauth_accounts;
CREATE TRIGGER evergrant_accounts_inserted AFTER INSERT ON oauth_accounts
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    WHEN (current_setting('evergrant.writer', true) IS DISTINCT FROM 'evergrant')
    EXECUTE FUNCTION evergrant_record_accounts();
DROP TRIGGER IF EXISTS evergrant_accounts_updated ON oauth_accounts;
CREATE TRIGGER evergrant_accounts_updated AFTER UPDATE ON oauth_accounts
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
    WHEN (current_setting('evergrant.writer', true) IS DISTINCT FROM 'evergrant')
    EXECUTE FUNCTION evergrant_record_accounts();
DROP TRIGGER IF EXISTS evergrant_accounts_deleted ON oauth_accounts;
CREATE TRIGGER evergrant_accounts_deleted AFTER DELETE ON oauth_accounts
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
    WHEN (current_setting('evergrant.writer', true) IS DISTINCT FROM 'evergrant')
    EXECUTE FUNCTION evergrant_record_accounts();
DROP TRIGGER IF EXISTS evergrant_accounts_truncated ON oauth_accounts;
CREATE TRIGGER evergrant_accounts_truncated AFTER TRUNCATE ON oauth_accounts
    FOR EACH STATEMENT EXECUTE FUNCTION evergrant_record_truncation();
DROP TRIGGER IF EXISTS evergrant_users_updated ON users;
CREATE TRIGGER evergrant_users_updated AFTER UPDATE OF id ON users FOR EACH ROW
    WHEN (OLD.id IS DISTINCT FROM NEW.id
        AND current_setting('evergrant.writer', true) IS DISTINCT FROM 'evergrant')
    EXECUTE FUNCTION evergrant_record_users();
DROP TRIGGER IF EXISTS evergrant_users_deleted ON users;
CREATE TRIGGER evergrant_users_deleted AFTER DELETE ON users
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
    WHEN (current_setting('evergrant.writer', true) IS DISTINCT FROM 'evergrant')
    EXECUTE FUNCTION evergrant_record_users();
DROP TRIGGER IF EXISTS evergrant_users_truncated ON users;
CREATE TRIGGER evergrant_users_truncated AFTER TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION evergrant_record_truncation();
DROP TRIGGER IF EXISTS evergrant_keep_lease ON evergrant_connections;
CREATE TRIGGER evergrant_keep_lease BEFORE DELETE ON evergrant_connections
    FOR EACH ROW EXECUTE FUNCTION evergrant_keep_lease();
