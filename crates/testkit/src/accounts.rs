//! Accounts as another program writes them into the shared tables: a thousand in a moment.

use std::fmt::Write;

use evergrant_encryption::TokenCipher;
use evergrant_model::Timestamp;

use crate::TestDatabase;

/// One account, with its tokens in the clear.
#[derive(Debug, Clone)]
pub struct ExternalAccount {
    /// Whose.
    pub user: i32,
    /// At which platform.
    pub provider: String,
    /// Its id there.
    pub id: String,
    /// Access and refresh token.
    pub tokens: (String, String),
    /// When the access token ends.
    pub expires_at: Timestamp,
}

/// Writes accounts past the store, their tokens encrypted by `cipher`.
///
/// # Panics
///
/// Where the database does not take them.
pub async fn insert_accounts(
    database: &TestDatabase,
    cipher: &TokenCipher,
    accounts: &[ExternalAccount],
) {
    let sealed = |token: &String| {
        cipher
            .encrypt_token(token)
            .expect("tokens can be encrypted")
    };
    let mut sql = String::from(
        "INSERT INTO oauth_accounts (user_id, provider, provider_account_id, access_token, refresh_token, expires_at)
        VALUES ",
    );
    for (
        place,
        ExternalAccount {
            user,
            provider,
            id,
            tokens: (access, refresh),
            expires_at,
        },
    ) in accounts.iter().enumerate()
    {
        let end = if database.is_postgres() {
            format!("'{expires_at}'")
        } else {
            expires_at.unix_ms().to_string()
        };
        let (access, refresh) = (sealed(access), sealed(refresh));
        let comma = if place == 0 { "" } else { ", " };
        write!(
            sql,
            "{comma}({user}, '{provider}', '{id}', '{}', '{}', {end})",
            access.as_str(),
            refresh.as_str()
        )
        .expect("text can be written");
    }
    database.execute(&sql).await;
}
