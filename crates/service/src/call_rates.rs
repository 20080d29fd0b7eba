//! The rates at which providers accept calls. Each replica learns them from refusals; once a
//! second, a job exchanges them through the database.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_adapters::{Endpoint, Learned, SharedRate};
use evergrant_model::{Call, Clock, ProviderSlug, SignedDuration};
use evergrant_store::{CallRateRepository, StoredCallRate};

use crate::ServiceError;
use crate::database::DatabaseMonitor;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_SECOND;
use crate::providers::Providers;

/// How long a rate applies after the last refusal.
const APPLIES_FOR: SignedDuration = SignedDuration::from_hours(1);
const SECONDS_PER_HOUR: f64 = 3_600.0;

/// The job that exchanges the learned rates with the other replicas.
pub(crate) struct ExchangeRates {
    pub(crate) rates: CallRateRepository,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) providers: Providers,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ExchangeRates {
    /// Stores what this replica has learned about an endpoint.
    async fn store(
        &self,
        provider: &ProviderSlug,
        endpoint: &Endpoint,
        learned: Learned,
    ) -> Result<(), ServiceError> {
        let now = self.clock.now();
        let stored = match learned {
            Learned::Cut(rate) => {
                let row = row(provider, endpoint, &rate);
                let cut = self.rates.cut(&row, now, now - APPLIES_FOR);
                self.database.query(cut).await?
            }
            Learned::Grown(rate) => {
                let row = row(provider, endpoint, &rate);
                self.database.query(self.rates.grow(&row)).await?
            }
        };
        tracing::debug!(
            %provider,
            endpoint = endpoint.as_str(),
            ?learned,
            stored,
            "learned the rate at which the provider accepts calls"
        );
        Ok(())
    }
}

#[async_trait]
impl Job for ExchangeRates {
    fn name(&self) -> JobName {
        JobName::CallRates
    }

    fn interval(&self) -> Duration {
        EVERY_SECOND
    }

    async fn run(&self, _call: &Call) -> Result<Progress, ServiceError> {
        let mut items = 0;
        for provider in self.providers.all() {
            for (endpoint, learned) in provider.offered_rates() {
                self.store(&provider.spec().slug, &endpoint, learned)
                    .await?;
                items += 1;
            }
        }
        let since = self.clock.now() - APPLIES_FOR;
        for row in self.database.query(self.rates.all(since)).await? {
            if let Some(provider) = self.providers.by_slug(&row.provider) {
                provider.apply_rate(&row.endpoint, &shared_rate(&row));
            }
        }
        Ok(Progress::done(items))
    }
}

fn row(provider: &ProviderSlug, endpoint: &Endpoint, rate: &SharedRate) -> StoredCallRate {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from float saturates"
    )]
    let calls_per_hour = (rate.per_second * SECONDS_PER_HOUR).ceil() as i64;
    StoredCallRate {
        provider: provider.clone(),
        endpoint: endpoint.as_str().to_owned(),
        calls_per_hour,
        cuts: rate.cuts,
        searching: rate.searching,
        pause_ms: i64::try_from(rate.pause.as_millis()).unwrap_or(i64::MAX),
    }
}

fn shared_rate(row: &StoredCallRate) -> SharedRate {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate needs no more than 52 bits"
    )]
    let per_second = row.calls_per_hour as f64 / SECONDS_PER_HOUR;
    SharedRate {
        per_second,
        cuts: row.cuts,
        searching: row.searching,
        pause: Duration::from_millis(u64::try_from(row.pause_ms).unwrap_or(0)),
    }
}
