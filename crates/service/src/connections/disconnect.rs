//! Deletion of a connection and revocation of its grant (`disconnectIntegration` in the original
//! Node.js API).

use std::sync::Arc;

use evergrant_model::{Call, Clock, ProviderAccountId, ProviderSlug, Revocation, UserId};
use evergrant_store::{Connection, ConnectionRepository};

use crate::ServiceError;
use crate::cache::{Caches, ConnectionKey};
use crate::connections::external_rows::ExternalRows;
use crate::connections::lookup::ConnectionLookup;
use crate::connections::revocation_queue::RevocationQueue;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::tasks::Tasks;

/// The result of a disconnect. The connection is deleted in any case.
#[derive(Debug, Clone)]
pub struct Disconnected {
    /// Whether the platform revoked the grant.
    pub revocation: Revocation,
    /// The result in words, for the user.
    pub message: String,
}

/// Deletes connections and revokes their grants. Clones share the same dependencies.
#[derive(Clone)]
pub(crate) struct Disconnector {
    pub(crate) connections: ConnectionRepository,
    pub(crate) lookup: Arc<ConnectionLookup>,
    pub(crate) external_rows: Arc<ExternalRows>,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) providers: Providers,
    pub(crate) caches: Arc<Caches>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl Disconnector {
    /// Implements [`crate::IntegrationsService::disconnect_integration`].
    pub(crate) async fn disconnect(
        &self,
        call: &Call,
        user: UserId,
        slug: &ProviderSlug,
        account: &ProviderAccountId,
    ) -> Result<Disconnected, ServiceError> {
        // A connection can outlive the catalogue entry of its provider, and must stay removable.
        let provider = self.providers.get(slug);
        let Some(connection) = self.connections.owned(user, slug, account).await? else {
            provider?;
            return Err(self.lookup.not_found(user).await);
        };
        let (component, call) = (self.clone(), call.clone());
        let work = async move {
            // Otherwise the revocation could send a spent token, and the grant would stay.
            let row = std::slice::from_ref(&connection);
            component.external_rows.repair_stale(&call, row).await?;
            component.delete(&call, &connection).await
        };
        let revocation = self.tasks.run_to_completion(work).await?;
        let message = match provider {
            Ok(provider) if provider.spec().uses_session_credentials() => {
                message_for_session(&provider.spec().name)
            }
            Ok(provider) => message(revocation, &provider.spec().name),
            Err(_) => message_for_unknown_provider(slug),
        };
        Ok(Disconnected {
            revocation,
            message,
        })
    }

    /// Deletes the connection, moves its tokens to the revocation queue in the same transaction,
    /// and makes the first attempt to revoke them.
    async fn delete(
        &self,
        call: &Call,
        connection: &Connection,
    ) -> Result<Revocation, ServiceError> {
        let provider = self.providers.by_slug(&connection.provider);
        let plan = provider.and_then(|provider| {
            self.revocations
                .plan(provider.spec(), &connection.metadata, &call.correlation_id)
        });
        let (now, plan) = (self.clock.now(), plan.as_ref());
        let deleted = self
            .connections
            .delete(connection, plan, &call.correlation_id, now)
            .await?;
        self.caches
            .invalidate(&ConnectionKey::from(connection))
            .await;
        if !deleted {
            return Err(ServiceError::account_not_found());
        }
        let revocation = match plan {
            Some(plan) => {
                self.revocations
                    .try_now(call, &plan.id, Some(&connection.account))
                    .await?
            }
            None => Revocation::Unsupported,
        };
        self.recorder.record(
            call,
            &Outcome::Disconnected {
                connection,
                revocation,
            },
        );
        Ok(revocation)
    }
}

/// Returns the message for a connection whose provider has no catalogue entry any more.
fn message_for_unknown_provider(slug: &ProviderSlug) -> String {
    format!(
        "Disconnected, and the tokens are deleted here. {slug} is not configured on this server, \
         so access there has not been revoked. To revoke it, remove this app in the settings of \
         your account there."
    )
}

/// Returns the message for a pasted session, which only its owner can end.
fn message_for_session(provider_name: &str) -> String {
    format!(
        "Disconnected, and the session is deleted here. It is still valid at {provider_name}: to \
         end it, sign out of {provider_name} in the browser that it was copied from."
    )
}

/// Returns the message for the user. `provider_name` is the platform's display name.
fn message(revocation: Revocation, provider_name: &str) -> String {
    match revocation {
        Revocation::Revoked => {
            format!("Disconnected. {provider_name} has confirmed that access has ended.")
        }
        Revocation::Pending => format!(
            "Disconnected, and the tokens are deleted here. {provider_name} has not confirmed yet; we \
             will keep trying for 24 hours."
        ),
        Revocation::Kept => format!(
            "Disconnected, and the tokens are deleted here. Access at {provider_name} was not revoked, \
             because that would end other connections of the same {provider_name} login."
        ),
        _ => format!(
            "Disconnected, and the tokens are deleted here. {provider_name} does not let apps revoke \
             access. To revoke it, remove this app in the settings of your {provider_name} account."
        ),
    }
}
