-- A session of the console ends by itself where nobody uses it; one of a session token does not.
ALTER TABLE evergrant_sessions ADD COLUMN idle_until timestamp(6);

-- Addresses that open the console as a user, once.
CREATE TABLE evergrant_portal_links (
    id           text PRIMARY KEY,
    user_id      integer NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
    secret_hash  bytea NOT NULL,
    expires_at   timestamp(6) NOT NULL
);
CREATE INDEX evergrant_portal_links_user ON evergrant_portal_links (user_id);
CREATE INDEX evergrant_portal_links_expires ON evergrant_portal_links (expires_at);
