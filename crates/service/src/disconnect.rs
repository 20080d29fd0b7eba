//! Ending a connection: the seed's `disconnectIntegration`.

use evergrant_model::{CorrelationId, Revocation, UserId};

use crate::ServiceError;
use crate::cache::ConnectionKey;
use crate::service::IntegrationsService;

/// What became of the grant.
#[derive(Debug, Clone)]
pub struct Disconnected {
    /// What the platform did.
    pub revocation: Revocation,
    /// The same in a sentence for the user.
    pub message: String,
}

impl IntegrationsService {
    /// Deletes the user's connection and ends its grant at the platform, as far as the platform can. The connection is
    /// gone here whatever the platform answers.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND` for an unknown account or another user's, `USER_NOT_FOUND`.
    pub async fn disconnect_integration(
        &self,
        user: UserId,
        provider: &str,
        account: &str,
        correlation_id: &CorrelationId,
    ) -> Result<Disconnected, ServiceError> {
        let platform = self.platform(provider)?;
        let account = crate::service::Inner::account_id(account)?;
        let Some(held) = self.store.connections().owned(user, &platform.spec().slug, &account).await? else {
            return Err(self.absent(user).await);
        };
        let (service, correlation_id) = (self.clone(), correlation_id.clone());
        self.uncancelled(async move {
            let spec = platform.spec();
            let plan = service.plan_revocation(spec, &held.metadata, &correlation_id);
            let deleted =
                service.store.connections().delete(&held, plan.as_ref(), &correlation_id, service.now()).await?;
            service.caches.forget(&ConnectionKey::from(&held)).await;
            if !deleted {
                return Err(ServiceError::account_not_found());
            }
            let revocation = match &plan {
                Some(plan) => service.revoke_queued(&plan.id, Some(&held.account)).await?,
                None => Revocation::Unsupported,
            };
            tracing::info!(provider = %spec.slug, user.id = held.user.get(), connection.id = held.id.get(),
                correlation_id = %correlation_id, revocation = revocation.as_str(), "disconnected");
            Ok(Disconnected { revocation, message: sentence(revocation, &spec.name) })
        })
        .await
    }
}

fn sentence(revocation: Revocation, provider: &str) -> String {
    match revocation {
        Revocation::Revoked => format!("Disconnected. {provider} has confirmed that access has ended."),
        Revocation::Pending => format!(
            "Disconnected, and the tokens are deleted here. {provider} has not confirmed yet; we keep asking for a day."
        ),
        Revocation::Kept => format!(
            "Disconnected, and the tokens are deleted here. Access at {provider} stays, because other connections of \
             the same person need it."
        ),
        _ => format!(
            "Disconnected, and the tokens are deleted here. {provider} offers no way to end access from outside: remove \
             this app in the settings of your {provider} account."
        ),
    }
}
