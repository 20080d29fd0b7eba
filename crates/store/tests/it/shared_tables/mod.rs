//! Tables of the host application with other columns: what works, and what is refused before
//! anything is written.

mod accepted;
mod refused;

/// The shared tables as Evergrant creates them, with one part replaced.
fn tables_with(part: &str, replacement: &str) -> String {
    const TABLES: &str = "
        CREATE TABLE users (
            id serial PRIMARY KEY, email varchar(255) UNIQUE, name varchar(255),
            created_at timestamp(6) NOT NULL DEFAULT now(), updated_at timestamp(6) NOT NULL DEFAULT now());
        CREATE TABLE oauth_accounts (
            id serial PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            provider varchar(50) NOT NULL, provider_account_id varchar(255) NOT NULL, access_token text,
            refresh_token text, expires_at timestamp(6), token_type varchar(50), scope text, metadata jsonb,
            created_at timestamp(6) NOT NULL DEFAULT now(), updated_at timestamp(6) NOT NULL DEFAULT now());";
    assert!(TABLES.contains(part), "{part}");
    TABLES.replace(part, replacement)
}
