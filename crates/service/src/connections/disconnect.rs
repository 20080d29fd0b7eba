//! Deletion of a connection: the seed's `disconnectIntegration`.

use std::sync::Arc;

use evergrant_model::{Call, Clock, Revocation, UserId};
use evergrant_store::{Connection, ConnectionRepository};

use crate::ServiceError;
use crate::cache::{Caches, ConnectionKey};
use crate::connections::lookup::{ConnectionLookup, account_id};
use crate::connections::revocation_queue::RevocationQueue;
use crate::outcome::{Outcome, Recorder};
use crate::providers::{self, Providers};
use crate::tasks::Tasks;

/// What became of the grant.
#[derive(Debug, Clone)]
pub struct Disconnected {
    /// What the platform did.
    pub revocation: Revocation,
    /// A sentence for the user.
    pub message: String,
}

/// Deletes connections and revokes their grants. A clone is the same component.
#[derive(Clone)]
pub(crate) struct Disconnector {
    pub(crate) connections: ConnectionRepository,
    pub(crate) lookup: Arc<ConnectionLookup>,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) providers: Providers,
    pub(crate) caches: Arc<Caches>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl Disconnector {
    /// See [`crate::IntegrationsService::disconnect_integration`].
    pub(crate) async fn disconnect(
        &self,
        call: &Call,
        user: UserId,
        provider: &str,
        account: &str,
    ) -> Result<Disconnected, ServiceError> {
        // A connection can outlive the configuration of its provider, and must stay removable.
        let platform = self.providers.get(provider);
        let (slug, account) = (providers::slug(provider)?, account_id(account)?);
        let Some(held) = self.connections.owned(user, &slug, &account).await? else {
            platform?;
            return Err(self.lookup.not_found(user).await);
        };
        let (component, call) = (self.clone(), call.clone());
        let work = async move { component.delete(&call, &held).await };
        let revocation = self.tasks.run_to_completion(work).await?;
        let message = match platform {
            Ok(platform) => message(revocation, &platform.spec().name),
            Err(_) => message_of_unknown(provider),
        };
        Ok(Disconnected {
            revocation,
            message,
        })
    }

    async fn delete(&self, call: &Call, held: &Connection) -> Result<Revocation, ServiceError> {
        let platform = self.providers.by_slug(&held.provider);
        let plan = platform.and_then(|platform| {
            self.revocations
                .plan(platform.spec(), &held.metadata, &call.correlation_id)
        });
        let (now, plan) = (self.clock.now(), plan.as_ref());
        let deleted = self
            .connections
            .delete(held, plan, &call.correlation_id, now)
            .await?;
        self.caches.invalidate(&ConnectionKey::from(held)).await;
        if !deleted {
            return Err(ServiceError::account_not_found());
        }
        let revocation = match plan {
            Some(plan) => {
                self.revocations
                    .try_now(call, &plan.id, Some(&held.account))
                    .await?
            }
            None => Revocation::Unsupported,
        };
        self.recorder.record(
            call,
            &Outcome::Disconnected {
                connection: held,
                revocation,
            },
        );
        Ok(revocation)
    }
}

fn message_of_unknown(provider: &str) -> String {
    format!(
        "Disconnected, and the tokens are deleted here. {provider} is not configured on this server, so access there \
         has not ended: remove this app in the settings of your account."
    )
}

fn message(revocation: Revocation, provider: &str) -> String {
    match revocation {
        Revocation::Revoked => {
            format!("Disconnected. {provider} has confirmed that access has ended.")
        }
        Revocation::Pending => format!(
            "Disconnected, and the tokens are deleted here. {provider} has not confirmed yet; we \
             keep asking for a day."
        ),
        Revocation::Kept => format!(
            "Disconnected, and the tokens are deleted here. Access at {provider} stays, because \
             other connections of the same person need it."
        ),
        _ => format!(
            "Disconnected, and the tokens are deleted here. {provider} offers no way to end access \
             from outside: remove this app in the settings of your {provider} account."
        ),
    }
}
