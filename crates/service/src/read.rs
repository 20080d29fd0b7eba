//! Reading a token: the seed's `getAccessToken`, and what the product is for.
//!
//! A fresh token is answered from memory: no lock, no write, no query. One that is about to end is answered and renewed
//! behind the answer; one that has ended is renewed first, together with everybody else who wants it.

use std::sync::Arc;

use evergrant_adapters::ProviderSpec;
use evergrant_model::{
    AccessToken, ConnectionStatus, CorrelationId, ErrorCode, Freshness, StatusReason, Timestamp, UserId,
};
use evergrant_store::Connection;

use crate::ServiceError;
use crate::cache::ConnectionKey;
use crate::failed_refresh::RefreshFailure;
use crate::feed::Trust;
use crate::refresh::Demand;
use crate::service::{Inner, IntegrationsService};

/// A token that works now.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub access_token: AccessToken,
    /// As the platform sent it, such as `bearer`.
    pub token_type: Option<String>,
    /// When it ends; `None` where nobody knows.
    pub expires_at: Option<Timestamp>,
    /// The granted scopes, divided by spaces.
    pub scope: Option<String>,
}

/// Renewal begins this long before the end, where the platform's entry says nothing: the lesser of a quarter of an hour
/// and a fifth of the life.
const MARGIN_SECONDS: i64 = 15 * 60;
const MARGIN_SHARE: i64 = 5;
/// A token whose end nobody knows is renewed this often: it is not taken to be good for ever.
const PROBE_SECONDS: i64 = 24 * 60 * 60;

impl IntegrationsService {
    /// An access token of the user's connection that is good for at least `min_ttl_seconds`, as far as the platform's
    /// lifetimes allow.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND`, `USER_NOT_FOUND`, `NO_ACCESS_TOKEN`; `RECONNECT_REQUIRED` once the
    /// platform has refused the grant, `TOKEN_EXPIRED` where nothing can renew it; and, only when the held token has
    /// ended, whatever kept it from being renewed.
    pub async fn access_token(
        &self,
        user: UserId,
        provider: &str,
        account: &str,
        min_ttl_seconds: i64,
        correlation_id: &CorrelationId,
    ) -> Result<IssuedToken, ServiceError> {
        let platform = self.platform(provider)?;
        let spec = platform.spec();
        let held = self.held(user, spec, account).await?;
        self.check_standing(&held, spec)?;
        self.uses.note(held.id);
        match self.freshness(&held, spec, min_ttl_seconds) {
            Freshness::Fresh => self.issue(&held),
            Freshness::Renewable => {
                self.renew_behind(&held, spec, correlation_id);
                self.issue(&held)
            }
            Freshness::Expired => match self.renew(&held, spec, correlation_id, Demand::Need).await {
                Ok(renewed) => self.issue(&renewed),
                // While the held token works, no failure of a renewal makes a read fail.
                Err(_) if self.still_works(&held) => self.issue(&held),
                Err(error) => Err(error),
            },
        }
    }

    fn renew_behind(&self, held: &Arc<Connection>, spec: &ProviderSpec, correlation_id: &CorrelationId) {
        let due = held.failures == 0 || held.next_refresh_at.is_none_or(|at| at <= self.now());
        if !is_renewable(held, spec) || awaits_the_user(held) || !due || self.feed.trust() == Trust::Outage {
            return;
        }
        let (service, held, correlation_id) = (self.clone(), Arc::clone(held), correlation_id.clone());
        self.tasks.spawn(async move {
            let Ok(platform) = service.platform(held.provider.as_str()) else { return };
            // Its failure is recorded and logged where it happens; this reader has long been answered.
            let _ = service.renew(&held, platform.spec(), &correlation_id, Demand::Need).await;
        });
    }
}

impl IntegrationsService {
    /// The user's connection, from memory or by one query.
    async fn held(&self, user: UserId, spec: &ProviderSpec, account: &str) -> Result<Arc<Connection>, ServiceError> {
        let key = ConnectionKey { user, provider: spec.slug.clone(), account: Inner::account_id(account)? };
        let (provider, account) = (key.provider.clone(), key.account.clone());
        let load = || async {
            let held = self.ask(self.store.connections().owned(user, &provider, &account)).await?;
            Ok(held.map(Arc::new))
        };
        let found = self.caches.connections.get_or_load(key.clone(), self.now(), self.feed.trust(), load).await;
        match found {
            Ok(Some(held)) if held.is_external => self.held_anew(user, spec, account.as_str()).await,
            Ok(Some(held)) => Ok(self
                .unstored
                .newest(held.id)
                .filter(|it| it.lease.generation > held.lease.generation)
                .unwrap_or(held)),
            Ok(None) => Err(self.absent(user).await),
            Err(error) => self.unstored.newest_of(&key).ok_or(error),
        }
    }

    /// The user's connection as the database has it, which is taken note of where another program wrote it.
    pub(crate) async fn held_anew(
        &self,
        user: UserId,
        spec: &ProviderSpec,
        account: &str,
    ) -> Result<Arc<Connection>, ServiceError> {
        let account = Inner::account_id(account)?;
        let look = async || self.ask(self.store.connections().owned(user, &spec.slug, &account)).await;
        let Some(held) = look().await? else { return Err(self.absent(user).await) };
        if !held.is_external {
            return Ok(Arc::new(held));
        }
        self.adopt_once(held).await?;
        look().await?.map(Arc::new).ok_or_else(ServiceError::account_not_found)
    }

    /// Takes a foreign row for what it is, together with everybody else who has come upon it in this process.
    async fn adopt_once(&self, held: Connection) -> Result<(), ServiceError> {
        let (service, id) = (self.clone(), held.id);
        let adopted = self.adoptions.run(id, move || async move {
            let adopted = service.adopt(&held).await;
            adopted.map(drop).map_err(|error| RefreshFailure::of(&error))
        });
        match adopted.await {
            Ok(outcome) => outcome.map_err(|failure| failure.into_error("The database")),
            Err(_lost) => Err(ServiceError::database_silent()),
        }
    }
}

impl Inner {
    pub(crate) fn freshness(&self, held: &Connection, spec: &ProviderSpec, min_ttl_seconds: i64) -> Freshness {
        match held.access_token {
            Some(_) => held.lifetime().freshness(self.now(), self.margin_seconds(spec, held), min_ttl_seconds),
            None => Freshness::Expired,
        }
    }

    fn issue(&self, held: &Connection) -> Result<IssuedToken, ServiceError> {
        let sealed = held.access_token.as_ref().ok_or_else(no_access_token)?;
        Ok(IssuedToken {
            access_token: self.open_access(sealed)?,
            token_type: held.token_type.clone(),
            expires_at: held.expires_at,
            scope: held.scope.clone(),
        })
    }

    /// Whether the platform still takes the held token, to the last second: what cannot be renewed is handed out for as
    /// long as it is worth anything.
    pub(crate) fn still_works(&self, held: &Connection) -> bool {
        held.access_token.is_some() && held.expires_at.is_none_or(|end| end > self.now())
    }

    /// Refuses a connection of which it is known that no call would help.
    fn check_standing(&self, held: &Connection, spec: &ProviderSpec) -> Result<(), ServiceError> {
        if held.status == ConnectionStatus::Expired {
            return Err(ServiceError::reconnect_required(&spec.name));
        }
        if held.access_token.is_none() && held.refresh_token.is_none() {
            return Err(no_access_token());
        }
        if awaits_the_user(held) && !self.still_works(held) {
            let detail = format!("{} asks the account's owner to sign in there first.", spec.name);
            return Err(ServiceError::new(ErrorCode::TokenRefreshError, detail));
        }
        Ok(())
    }

    /// How long before its end this connection's token is renewed, spread a little so that accounts connected in the
    /// same minute are not renewed in the same minute.
    pub(crate) fn margin_seconds(&self, spec: &ProviderSpec, held: &Connection) -> i64 {
        self.margin(spec, held.lifetime().seconds(), held.id.get())
    }

    fn margin(&self, spec: &ProviderSpec, life_seconds: Option<i64>, spread: i32) -> i64 {
        if let Some(margin) = self.settings.refresh_margin_seconds {
            return margin;
        }
        let short = life_seconds.map_or(MARGIN_SECONDS, |life| life / MARGIN_SHARE);
        let margin = spec.renewal_margin_seconds(life_seconds).unwrap_or_else(|| MARGIN_SECONDS.min(short));
        spread_out(margin, spread)
    }

    /// When a token that ends at `expires_at` is due for renewal.
    pub(crate) fn due(
        &self,
        spec: &ProviderSpec,
        issued_at: Timestamp,
        expires_at: Option<Timestamp>,
        spread: i32,
    ) -> Timestamp {
        let Some(end) = expires_at else { return issued_at.plus_seconds(spread_out(PROBE_SECONDS, spread)) };
        let margin = self.margin(spec, Some(end.seconds_since(issued_at)), spread);
        end.plus_seconds(-margin).max(issued_at)
    }
}

/// The margin and up to half as much again, evenly over all connections and always the same for one: accounts that were
/// connected in the same minute are then not renewed in the same minute.
fn spread_out(margin: i64, connection: i32) -> i64 {
    /// 2³² divided by the golden ratio: its multiples fall far from each other (Knuth, volume 3, §6.4).
    const GOLDEN: u32 = 2_654_435_769;
    let place = u64::from(connection.cast_unsigned().wrapping_mul(GOLDEN));
    margin
        .saturating_add(i64::try_from((u128::from(place) * u128::from((margin / 2).unsigned_abs())) >> 32).unwrap_or(0))
}

/// Whether anything can renew this connection without the user.
pub(crate) fn is_renewable(held: &Connection, spec: &ProviderSpec) -> bool {
    spec.can_renew(held.refresh_token.is_some()) && (held.refresh_token.is_some() || held.access_token.is_some())
}

/// Whether the platform waits for the account's owner, so that trying by ourselves is pointless.
fn awaits_the_user(held: &Connection) -> bool {
    held.reason == Some(StatusReason::UserActionAtPlatform)
}

fn no_access_token() -> ServiceError {
    ServiceError::new(ErrorCode::NoAccessToken, "This connection holds no access token.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 50,000 tokens that end in one minute: the renewals of no ten seconds are twice as many as those of the mean ten.
    #[test]
    fn renewals_of_one_minute_are_spread() {
        let mut per_ten_seconds = std::collections::BTreeMap::<i64, i64>::new();
        for id in 1..=50_000_i32 {
            let ends_at = i64::from(id % 60);
            *per_ten_seconds.entry((ends_at - spread_out(900, id)).div_euclid(10)).or_default() += 1;
        }
        let (parts, peak) = (i64::try_from(per_ten_seconds.len()).unwrap(), *per_ten_seconds.values().max().unwrap());
        assert!(parts >= 45 && peak <= 2 * 50_000 / parts, "{peak} of 50,000 in one of {parts} parts");
        assert!((1..1000).all(|id| (900..1350).contains(&spread_out(900, id)) && spread_out(0, id) == 0));
    }
}
