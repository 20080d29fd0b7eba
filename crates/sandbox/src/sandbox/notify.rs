//! Sends callbacks and webhooks on request.

use super::Sandbox;
use crate::notifications::{CallbackRequest, CallbackResponse, Delivery, Webhook};
use crate::options::SandboxError;
use crate::world::grants::GrantFilter;

impl Sandbox {
    /// Sends a signed callback to a loopback URL and returns the response to each delivery.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::UnknownPlatform`] or [`SandboxError::UnknownPerson`] if these do not
    /// exist, and [`SandboxError::Callback`] if the platform does not send this callback, the URL
    /// or the number of deliveries is invalid, or the receiver does not respond.
    pub async fn send_callback(
        &self,
        request: &CallbackRequest,
    ) -> Result<Vec<CallbackResponse>, SandboxError> {
        let context = self.context(self.platform_with_account(&request.platform, &request.person)?);
        let delivery =
            Delivery::new(&request.url, request.times).map_err(SandboxError::Callback)?;
        let unsupported =
            || SandboxError::Callback("the platform does not send this callback".to_owned());
        let callback = context
            .platform
            .callback(&context, request)
            .ok_or_else(unsupported)?;
        let sent = delivery.send(&callback).await;
        let undelivered = |error| {
            SandboxError::Callback(format!("{} did not respond: {error}", delivery.receiver()))
        };
        sent.map_err(undelivered)
    }

    /// Sends a webhook to a loopback URL and returns the HTTP status of each delivery. A removal
    /// first revokes the person's grants of the app, unless it is forged, replayed or late.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::UnknownPlatform`] or [`SandboxError::UnknownPerson`] if these do not
    /// exist, [`SandboxError::BadWebhook`] if the platform sends no webhooks or the webhook is
    /// invalid, [`SandboxError::Undelivered`] if the receiver does not respond, and
    /// [`SandboxError::StateFile`] if the state cannot be saved.
    pub async fn send_webhook(&self, webhook: Webhook) -> Result<Vec<u16>, SandboxError> {
        let platform = self.platform_with_account(&webhook.platform, &webhook.person)?;
        let profile = platform.profile();
        let delivery =
            Delivery::new(&webhook.url, webhook.times).map_err(SandboxError::BadWebhook)?;
        let unsupported =
            || SandboxError::BadWebhook(format!("{} sends no webhooks", profile.name));
        let outgoing = platform
            .webhook(&webhook, self.shared.now())
            .ok_or_else(unsupported)?;
        if webhook.revokes_grants() {
            self.shared.world().grants.revoke_matching(&GrantFilter {
                platform: profile.slug,
                person: &webhook.person,
                client: Some(outgoing.client),
            });
            self.shared.save()?;
        }
        let sent = delivery.send(&outgoing.message).await;
        let responses = sent.map_err(|source| SandboxError::Undelivered {
            url: webhook.url,
            source,
        })?;
        Ok(responses
            .into_iter()
            .map(|response| response.status)
            .collect())
    }
}
