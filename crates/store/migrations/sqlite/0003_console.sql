-- A session of the console ends by itself where nobody uses it; one of a session token does not.
ALTER TABLE evergrant_sessions ADD COLUMN idle_until INTEGER;

-- Addresses that open the console as a user, once.
CREATE TABLE evergrant_portal_links (
    id           TEXT PRIMARY KEY,
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    secret_hash  BLOB NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX evergrant_portal_links_user ON evergrant_portal_links (user_id);
CREATE INDEX evergrant_portal_links_expires ON evergrant_portal_links (expires_at);
