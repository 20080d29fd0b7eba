//! Pending writes whose row was deleted before they were stored.

use evergrant_model::{CorrelationId, ProviderSlug};
use evergrant_store::{ConnectionKey, StoreError};

use super::PendingWrites;
use crate::refresh::record::Record;

impl PendingWrites {
    /// Writes a record whose row was deleted: into the row that another program has inserted
    /// instead, or into the copy of the deleted row's tokens. If the user has disconnected the
    /// account, the tokens are revoked.
    pub(super) async fn write_deleted(
        &self,
        record: &Record,
        correlation_id: CorrelationId,
    ) -> Result<(), StoreError> {
        let Some(key) = record.account_key() else {
            return self.revoke_orphan(record, &correlation_id).await;
        };
        let (user, provider, account) = (key.user, &key.provider, &key.account);
        let inserted = self.parts.connections.owned(user, provider, account);
        let inserted = inserted.await?.filter(|row| {
            // A row with an unrelated lease has another grant.
            row.lease.generation == 0 || row.lease.attempt >= record.attempt
        });
        if let Some(row) = inserted {
            return self.store(record, row, correlation_id).await;
        }
        if self.keep_deleted(record, &key, &correlation_id).await? {
            return Ok(());
        }
        self.revoke_orphan(record, &correlation_id).await
    }

    async fn keep_deleted(
        &self,
        record: &Record,
        key: &ConnectionKey,
        correlation_id: &CorrelationId,
    ) -> Result<bool, StoreError> {
        let (now, encryption) = (self.parts.clock.now(), &self.parts.encryption);
        let grant = record.grant(correlation_id, now, encryption);
        let (refreshes, ticket) = (&self.parts.refreshes, record.ticket());
        refreshes.keep_for_deleted_row(key, &ticket, &grant).await
    }

    /// Queues the revocation of tokens whose connection was deleted meanwhile. The platform is
    /// called later by the queue's job, because other writes wait behind this one.
    async fn revoke_orphan(
        &self,
        record: &Record,
        correlation_id: &CorrelationId,
    ) -> Result<(), StoreError> {
        let slug = ProviderSlug::new(record.provider.as_str()).ok();
        let Some(provider) = slug.and_then(|slug| self.parts.providers.by_slug(&slug)) else {
            return Ok(());
        };
        let metadata = serde_json::Value::Null;
        match self
            .parts
            .revocations
            .plan(provider.spec(), &metadata, correlation_id)
        {
            Some(plan) => self.parts.revocations.enqueue(&plan, &record.tokens).await,
            None => Ok(()),
        }
    }
}
