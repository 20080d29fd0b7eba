//! Who is there in `dev`: two users to try things as, and the key with which an app's server would
//! call.

use evergrant_model::{Actor, ExternalId, UserId};
use evergrant_service::{Caller, IntegrationsService, NewUser};
use secrecy::{ExposeSecret, SecretString};

use super::data_folder::DataFolder;
use crate::failure::Failure;

/// Number, the app's own id, name.
const PEOPLE: [(i64, &str, &str); 2] = [
    (1, "demo-creator", "Demo creator"),
    (2, "new-user", "New user"),
];

const KEY_FILE: &str = "api-key";

/// Makes the two users, unless they are there. Their numbers, in the order in which the console
/// offers them.
///
/// # Errors
///
/// Where the database fails. That somebody has taken one of the names by hand is no reason not to
/// start.
pub(super) async fn make(service: &IntegrationsService) -> Result<Vec<UserId>, Failure> {
    let (mut people, call) = (
        Vec::new(),
        service.call(Actor::CommandLine, service.new_correlation_id()),
    );
    for (number, external_id, name) in PEOPLE {
        let new = NewUser {
            id: UserId::try_from(number).ok(),
            email: None,
            name: Some(name.to_owned()),
            external_id: ExternalId::new(external_id).ok(),
        };
        match service.users().create(&call, &new).await {
            Ok((user, _)) => people.push(user.id),
            Err(error) if error.field_faults().is_empty() => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(people)
}

/// The key of the last run if it still works, else a new one.
///
/// # Errors
///
/// Where the database or the file fails.
pub(super) async fn api_key(
    service: &IntegrationsService,
    folder: &DataFolder,
) -> Result<SecretString, Failure> {
    let call = service.call(Actor::CommandLine, service.new_correlation_id());
    if let Some(kept) = folder.read(KEY_FILE)?
        && matches!(
            service
                .authenticator()
                .authenticate(kept.expose_secret(), &call.correlation_id)
                .await?,
            Some(Caller::App { .. })
        )
    {
        return Ok(kept);
    }
    let issued = service.api_keys().create(&call, "dev", &[]).await?;
    folder.write(KEY_FILE, issued.secret.expose_secret())?;
    Ok(issued.secret)
}
