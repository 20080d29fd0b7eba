//! Bulk insertion of accounts into the shared tables, as another program would write them.

use evergrant_encryption::TokenCipher;
use evergrant_model::Timestamp;

use crate::TestDatabase;

/// One account with plaintext tokens.
#[derive(Debug, Clone)]
pub struct ExternalAccount {
    /// Id of the user.
    pub user: i32,
    /// Slug of the provider.
    pub provider: String,
    /// Account id at the provider.
    pub id: String,
    /// Access token and refresh token.
    pub tokens: (String, String),
    /// Expiry of the access token.
    pub expires_at: Timestamp,
}

/// Inserts accounts without using the store. `cipher` encrypts the tokens.
///
/// # Panics
///
/// If the database rejects the statement.
pub async fn insert_accounts(
    database: &TestDatabase,
    cipher: &TokenCipher,
    accounts: &[ExternalAccount],
) {
    let mut sql = String::from(
        "INSERT INTO oauth_accounts (user_id, provider, provider_account_id, access_token, refresh_token, expires_at)
        VALUES ",
    );
    let rows: Vec<String> = accounts
        .iter()
        .map(|account| account.values(database, cipher))
        .collect();
    sql.push_str(&rows.join(", "));
    database.execute(&sql).await;
}

impl ExternalAccount {
    /// Returns the account as the value list of an `INSERT` statement.
    fn values(&self, database: &TestDatabase, cipher: &TokenCipher) -> String {
        let (user, provider, id) = (self.user, &self.provider, &self.id);
        let expires_at = if database.is_postgres() {
            format!("'{}'", self.expires_at)
        } else {
            self.expires_at.unix_ms().to_string()
        };
        let encrypt = |token: &str| {
            cipher
                .encrypt_token(token)
                .expect("tokens can be encrypted")
        };
        let (access, refresh) = (encrypt(&self.tokens.0), encrypt(&self.tokens.1));
        let (access, refresh) = (access.as_str(), refresh.as_str());
        format!("({user}, '{provider}', '{id}', '{access}', '{refresh}', {expires_at})")
    }
}
