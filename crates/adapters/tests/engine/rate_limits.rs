//! A rate limit applies to every call of the same account to the same endpoint.

use std::sync::Arc;
use std::time::Duration;

use evergrant_adapters::{ErrorClass, HttpLimits, Provider, RequestClass};
use evergrant_model::{AccessToken, ManualClock, ProviderAccountId, ScopeSet};

use crate::support::{FakePlatform, clock, guarded_acme, held_tokens, response};

/// One day; far longer than the pause that one response can impose on all accounts.
const WAIT_SECONDS: i64 = 43_200;
/// Longest pause of all accounts after one response, in seconds.
const MAX_SHARED_PAUSE_SECONDS: i64 = 15 * 60;

struct Fixture {
    platform: FakePlatform,
    provider: Arc<Provider>,
    clock: Arc<ManualClock>,
}

impl Fixture {
    async fn new() -> Self {
        let platform =
            FakePlatform::responding_with(response(200, r#"{"access_token":"a","sub":"1"}"#)).await;
        let clock = clock();
        let provider = guarded_acme(
            Arc::clone(&clock),
            &platform.base,
            "",
            HttpLimits::default(),
        );
        Self {
            platform,
            provider,
            clock,
        }
    }

    /// Makes each kind of call for the account. Returns the error classes; `None` is a success.
    async fn call_all_kinds(&self, account: &ProviderAccountId) -> [Option<ErrorClass>; 5] {
        let calls = self.provider.for_account(account);
        let (stored, access) = (held_tokens("a", "r"), AccessToken::new("a"));
        [
            calls
                .user_profile(&access, &ScopeSet::default())
                .await
                .err()
                .map(|error| error.class()),
            calls
                .revoke_access(&stored)
                .await
                .err()
                .map(|error| error.class()),
            calls
                .refresh_access_token(&stored)
                .await
                .err()
                .map(|error| error.class()),
            self.provider
                .admit_refresh(account, RequestClass::Refresh, Duration::from_secs(20))
                .await
                .err()
                .map(|error| error.class()),
            // The provider has no session credentials, so an admitted check is a bad request.
            calls
                .check_session(&access)
                .await
                .err()
                .map(|error| error.class()),
        ]
    }
}

/// The result of each call while the endpoints at these positions are paused.
fn blocked(paused: &[usize]) -> [Option<ErrorClass>; 5] {
    let mut results = ADMITTED;
    for position in paused {
        results[*position] = Some(ErrorClass::RateLimited);
    }
    results
}

const ADMITTED: [Option<ErrorClass>; 5] = [None, None, None, None, Some(ErrorClass::BadRequest)];

#[tokio::test]
async fn rate_limit_pauses_the_account_at_one_endpoint() {
    let [paused, other] = ["1", "2"].map(|id| ProviderAccountId::new(id).unwrap());
    for (kind, of_same_endpoint) in [&[0][..], &[1], &[2, 3]].into_iter().enumerate() {
        let fixture = Fixture::new().await;
        fixture
            .platform
            .respond_with(response(429, "{}").header("retry-after", &WAIT_SECONDS.to_string()));
        let (stored, access) = (held_tokens("a", "r"), AccessToken::new("a"));
        let calls = fixture.provider.for_account(&paused);
        let limited = match kind {
            0 => calls
                .user_profile(&access, &ScopeSet::default())
                .await
                .map(drop),
            1 => calls.revoke_access(&stored).await.map(drop),
            _ => calls.refresh_access_token(&stored).await.map(drop),
        };
        assert_eq!(limited.unwrap_err().class(), ErrorClass::RateLimited);
        fixture
            .platform
            .respond_with(response(200, r#"{"access_token":"a","sub":"1"}"#));
        fixture.clock.advance_seconds(MAX_SHARED_PAUSE_SECONDS);
        assert_eq!(
            fixture.call_all_kinds(&paused).await,
            blocked(of_same_endpoint)
        );
        assert_eq!(fixture.call_all_kinds(&other).await, ADMITTED);
        fixture
            .clock
            .advance_seconds(WAIT_SECONDS - MAX_SHARED_PAUSE_SECONDS);
        assert_eq!(fixture.call_all_kinds(&paused).await, ADMITTED);
    }
}
