//! The two users of `dev`, and its API key.

use evergrant_model::{Actor, ErrorCode, ExternalId, UserId};
use evergrant_service::{Caller, IntegrationsService, NewUser};
use secrecy::{ExposeSecret, SecretString};

use super::data_folder::DataFolder;
use crate::failure::Failure;

/// Id, external id and name of each user.
const USERS: [(i64, &str, &str); 2] = [
    (1, "demo-creator", "Demo creator"),
    (2, "new-user", "New user"),
];

/// Name of the file in the data folder that keeps the API key.
const KEY_FILE: &str = "api-key";

/// Creates the two users if they do not exist. Returns their ids, in the order in which the console
/// lists them. A user whose id or external id belongs to another user is left out.
///
/// # Errors
///
/// A failure if the database is unavailable.
pub(super) async fn create(service: &IntegrationsService) -> Result<Vec<UserId>, Failure> {
    let (mut users, call) = (
        Vec::new(),
        service.call(Actor::CommandLine, service.new_correlation_id()),
    );
    for (id, external_id, name) in USERS {
        let new = NewUser {
            id: UserId::try_from(id).ok(),
            email: None,
            name: Some(name.to_owned()),
            external_id: ExternalId::new(external_id).ok(),
        };
        match service.users().create(&call, &new).await {
            Ok((user, _)) => users.push(user.id),
            Err(error) if error.code() == ErrorCode::UserConflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(users)
}

/// Returns the API key of the last run if it is still valid, otherwise a new one.
///
/// # Errors
///
/// A failure if the database is unavailable, or the file of the key cannot be read or written.
pub(super) async fn api_key(
    service: &IntegrationsService,
    folder: &DataFolder,
) -> Result<SecretString, Failure> {
    let call = service.call(Actor::CommandLine, service.new_correlation_id());
    if let Some(key) = folder.read(KEY_FILE)?
        && matches!(
            service
                .authenticator()
                .authenticate(key.expose_secret(), &call.correlation_id)
                .await?,
            Some(Caller::App { .. })
        )
    {
        return Ok(key);
    }
    let issued = service.api_keys().create(&call, "dev", &[]).await?;
    folder.write(KEY_FILE, issued.secret.expose_secret())?;
    Ok(issued.secret)
}
