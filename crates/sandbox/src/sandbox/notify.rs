//! Callbacks and webhooks, sent when a control says so.

use super::Sandbox;
use crate::notifications::{CallbackAnswer, CallbackOrder, Delivery, Webhook};
use crate::options::SandboxError;

impl Sandbox {
    /// Sends what `order` says to an app on this machine, and tells how each delivery was answered.
    ///
    /// # Errors
    ///
    /// As [`revoke_user`](Self::revoke_user), or [`SandboxError::Callback`] where it could not be
    /// sent.
    pub async fn send_callback(
        &self,
        order: &CallbackOrder,
    ) -> Result<Vec<CallbackAnswer>, SandboxError> {
        let stage = self.stage(self.platform_of(&order.platform, &order.person)?);
        let delivery = Delivery::new(&order.url, order.times).map_err(SandboxError::Callback)?;
        let unknown = || SandboxError::Callback("the platform sends no such callback".to_owned());
        let callback = stage.platform.callback(&stage, order).ok_or_else(unknown)?;
        let sent = delivery.send(&callback).await;
        let undelivered = |error| {
            SandboxError::Callback(format!("{} did not take it: {error}", delivery.receiver()))
        };
        sent.map_err(undelivered)
    }

    /// Sends a webhook, and tells which statuses it was answered with. The news of a removal ends
    /// the person's grants for the app first, unless it is forged, old or late.
    ///
    /// # Errors
    ///
    /// [`SandboxError::UnknownPlatform`], [`SandboxError::UnknownPerson`],
    /// [`SandboxError::BadWebhook`], [`SandboxError::Undelivered`] or [`SandboxError::StateFile`].
    pub async fn send_webhook(&self, webhook: Webhook) -> Result<Vec<u16>, SandboxError> {
        let platform = self.platform_of(&webhook.platform, &webhook.person)?;
        let profile = platform.profile();
        let delivery =
            Delivery::new(&webhook.url, webhook.times).map_err(SandboxError::BadWebhook)?;
        let silent = || SandboxError::BadWebhook(format!("{} sends no webhooks", profile.name));
        let notice = platform
            .webhook(&webhook, self.shared.now())
            .ok_or_else(silent)?;
        if webhook.ends_grants() {
            self.shared
                .world()
                .grants
                .end_all_for(profile.slug, &webhook.person, notice.client);
            self.shared.save()?;
        }
        let sent = delivery.send(&notice.message).await;
        let answers = sent.map_err(|source| SandboxError::Undelivered {
            url: webhook.url,
            source,
        })?;
        Ok(answers.into_iter().map(|answer| answer.status).collect())
    }
}
