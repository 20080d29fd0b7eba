//! Renewing a grant: the seed's `refreshToken`.
//!
//! At most one attempt per connection is under way in this process, in a task of its own; whoever else wants the token
//! joins it. The result is stored by compare-and-swap on the generation that the attempt began with, so a reconnect
//! that happens meanwhile is never overwritten. The lease that extends this over replicas belongs around
//! [`Inner::renew_once`].

use std::sync::Arc;

use evergrant_adapters::{AdapterError, PlatformAdapter, ProviderSpec};
use evergrant_model::{
    ConnectionId, ConnectionStatus, CorrelationId, ErrorCode, ScopeSet, StatusReason, Timestamp, TokenSet, UserId,
};
use evergrant_store::{Connection, RefreshedGrant};

use crate::ServiceError;
use crate::cache::ConnectionKey;
use crate::failed_refresh::{LastFailure, RefreshFailure, Verdict};
use crate::read::is_renewable;
use crate::retry::{Retry, attempt};
use crate::service::{Inner, IntegrationsService};

/// What every caller of one attempt gets.
pub(crate) type RefreshOutcome = Result<Arc<Connection>, RefreshFailure>;

/// How often a renewed pair is offered to a database that fails.
const STORE_TRIES: u32 = 5;

impl IntegrationsService {
    /// Renews the user's connection now, or joins the attempt that is under way; answers when the new token ends.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND`, `USER_NOT_FOUND`; `RECONNECT_REQUIRED` for a grant that has ended,
    /// without a call; `NO_REFRESH_TOKEN`; or whatever kept the platform from renewing it.
    pub async fn refresh_token(
        &self,
        user: UserId,
        provider: &str,
        account: &str,
        correlation_id: &CorrelationId,
    ) -> Result<Option<Timestamp>, ServiceError> {
        let adapter = self.adapter(provider)?;
        let spec = adapter.spec();
        let account = Inner::account_id(account)?;
        let Some(held) = self.store.connection(user, &spec.slug, &account).await? else {
            return Err(self.absent(user).await);
        };
        if held.status == ConnectionStatus::Expired {
            return Err(ServiceError::reconnect_required(&spec.name));
        }
        if !is_renewable(&held, spec) {
            let detail = "This connection holds nothing that could renew its token. Please connect the account again.";
            return Err(ServiceError::new(ErrorCode::NoRefreshToken, detail));
        }
        Ok(self.renew(&held, spec, correlation_id, true).await?.expires_at)
    }

    /// A connection newer than `held`: by an attempt of ours, or by one that somebody else made meanwhile.
    /// `asked_for` attempts do not wait for the pause after a failure, where another try can do no harm.
    pub(crate) async fn renew(
        &self,
        held: &Connection,
        spec: &ProviderSpec,
        correlation_id: &CorrelationId,
        asked_for: bool,
    ) -> Result<Arc<Connection>, ServiceError> {
        if !is_renewable(held, spec) {
            let detail = format!("The token has ended and {} gives nothing to renew it with.", spec.name);
            return Err(ServiceError::new(ErrorCode::TokenExpired, detail));
        }
        let (service, id, seen) = (self.clone(), held.id, held.generation);
        let correlation_id = correlation_id.clone();
        let ticket = self.tasks.token();
        let flight = self.flights.run(id, move || async move {
            let outcome = service.renew_once(id, seen, &correlation_id, asked_for).await;
            drop(ticket);
            outcome
        });
        match flight.await {
            Ok(outcome) => outcome.map_err(|failure| failure.into_error(&spec.name)),
            Err(_lost) => Err(ServiceError::new(ErrorCode::InternalError, "Something went wrong on our side.")),
        }
    }
}

impl Inner {
    /// One attempt, unless a look at the row shows that none is needed or none is allowed.
    async fn renew_once(
        &self,
        id: ConnectionId,
        seen: i64,
        correlation_id: &CorrelationId,
        asked_for: bool,
    ) -> RefreshOutcome {
        let _permit = self.refresh_permits.acquire().await;
        let held = self.reread(id).await?;
        if held.generation > seen {
            self.caches.forget(&ConnectionKey::from(&held)).await;
            return Ok(Arc::new(held));
        }
        let adapter = self.configured_adapter(held.provider.as_str()).map_err(|error| RefreshFailure::of(&error))?;
        self.check_allowed(&held, adapter.spec(), asked_for)?;
        match self.call_platform(&*adapter, &held, correlation_id).await? {
            Ok((tokens, sent_at)) => self.keep(&held, adapter.spec(), &tokens, sent_at, correlation_id).await,
            Err(error) => self.note(&held, adapter.spec(), &error, correlation_id).await,
        }
    }

    async fn reread(&self, id: ConnectionId) -> Result<Connection, RefreshFailure> {
        let found = self.store.connection_by_id(id).await.map_err(|error| RefreshFailure::of(&error.into()))?;
        found.ok_or_else(|| RefreshFailure::of(&ServiceError::account_not_found()))
    }

    /// Refuses an attempt on a dead grant, and one that the last failure forbids for now.
    fn check_allowed(&self, held: &Connection, spec: &ProviderSpec, asked_for: bool) -> Result<(), RefreshFailure> {
        if held.status == ConnectionStatus::Expired {
            return Err(RefreshFailure::new(ErrorCode::ReconnectRequired));
        }
        let now = self.now();
        let young = held.issued_at.map_or(0, |at| spec.refresh_not_before_seconds - now.seconds_since(at));
        if young > 0 {
            // The platform renews no token of this age; the one held is good for far longer.
            return Err(RefreshFailure::new(ErrorCode::RateLimitError).retry_after(young));
        }
        let Some(last) = LastFailure::of(held) else { return Ok(()) };
        let too_early = held.next_refresh_at.is_some_and(|at| at > now);
        // The same token again before the held one has ended could end a grant that still works.
        let harmful = last.in_doubt && !spec.may_resend_refresh() && self.still_works(held);
        let refused = match last.verdict {
            Verdict::RateLimited => too_early,
            Verdict::UserAction => !asked_for,
            _ => too_early && !asked_for,
        };
        if !refused && !harmful {
            return Ok(());
        }
        let failure = RefreshFailure::new(last.verdict.code());
        let wait = held.next_refresh_at.map(|at| at.seconds_since(now));
        Err(wait.map_or(failure.clone(), |wait| failure.retry_after(wait)))
    }

    async fn call_platform(
        &self,
        adapter: &dyn PlatformAdapter,
        held: &Connection,
        correlation_id: &CorrelationId,
    ) -> Result<Result<(TokenSet, Timestamp), AdapterError>, RefreshFailure> {
        let tokens = match self.open_both(held.access_token.as_ref(), held.refresh_token.as_ref()) {
            Ok(tokens) => tokens,
            Err(error) => {
                self.note_unreadable(held, correlation_id).await;
                return Err(RefreshFailure::of(&error));
            }
        };
        let resend = if adapter.spec().may_resend_refresh() { Retry::Transient } else { Retry::OnlyUnprocessed };
        let sent_at = self.now();
        tracing::info!(provider = %held.provider, connection.id = held.id.get(), correlation_id = %correlation_id,
            "renewing");
        let answer = attempt(&*self.entropy, resend, || adapter.refresh_access_token(&tokens)).await;
        Ok(answer.map(|new| (new, sent_at)))
    }

    /// Stores the renewed pair. It exists nowhere else, so a failing database is asked again before it is given up.
    async fn keep(
        &self,
        held: &Connection,
        spec: &ProviderSpec,
        tokens: &TokenSet,
        sent_at: Timestamp,
        correlation_id: &CorrelationId,
    ) -> RefreshOutcome {
        let sealed = self.seal(tokens).map_err(|error| RefreshFailure::of(&error))?;
        let scope = tokens.scope.as_ref().map(ToString::to_string);
        let new = RefreshedGrant {
            access_token: &sealed.access,
            refresh_token: sealed.refresh.as_ref(),
            expires_at: tokens.expires_at,
            refresh_expires_at: tokens.refresh_expires_at,
            token_type: tokens.token_type.as_deref(),
            scope: scope.as_deref(),
            reason: remark(held, scope.as_deref()),
            next_refresh_at: self.due(spec, sent_at, tokens.expires_at, held.id.get()),
            issued_at: sent_at,
            correlation_id,
        };
        let stored = attempt_store(|| self.store.store_refresh(held, &new)).await;
        let stored = stored.map_err(|error| RefreshFailure::of(&error.into()))?;
        let newest = self.remembered_anew(held).await;
        match &newest {
            // Disconnected meanwhile: what the platform has just issued must not outlive the connection.
            Err(failure) if !stored && failure.code() == ErrorCode::AccountNotFound => {
                let given_up = self.give_up_tokens(spec, &sealed, &held.metadata, correlation_id).await;
                given_up.map_err(|error| RefreshFailure::of(&error))?;
            }
            _ => {}
        }
        newest
    }

    /// The row as it stands now, put in the place of what is remembered of it.
    async fn remembered_anew(&self, held: &Connection) -> RefreshOutcome {
        let (key, now) = (ConnectionKey::from(held), self.now());
        self.caches.forget(&key).await;
        let mark = self.caches.connections.mark(&key);
        let newest = Arc::new(self.reread(held.id).await?);
        self.caches.connections.put(key, Arc::clone(&newest), now, mark).await;
        Ok(newest)
    }
}

/// A remark on a connection whose renewal brought these scopes; without scopes the old remark on scopes stays.
fn remark(held: &Connection, scope: Option<&str>) -> Option<StatusReason> {
    let granted = scope.or(held.scope.as_deref())?;
    let missing = ScopeSet::parse(held.requested_scope.as_deref()?).missing_from(&ScopeSet::parse(granted));
    (!missing.is_empty()).then_some(StatusReason::ScopeMissing)
}

async fn attempt_store<T, F>(mut store: impl FnMut() -> F) -> Result<T, evergrant_store::StoreError>
where
    F: Future<Output = Result<T, evergrant_store::StoreError>>,
{
    let mut tries = 1;
    loop {
        match store().await {
            Err(error) if tries < STORE_TRIES => {
                tracing::error!(error = &error as &dyn std::error::Error, tries, "a renewed pair is not stored yet");
                tries += 1;
            }
            outcome => return outcome,
        }
    }
}
