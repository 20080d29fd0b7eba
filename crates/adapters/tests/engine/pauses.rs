//! A rate limit that one call meets holds for every call that concerns the same account.

use std::sync::Arc;
use std::time::Duration;

use evergrant_adapters::{ErrorClass, HttpLimits};
use evergrant_model::{AccessToken, ManualClock, ProviderAccountId, ScopeSet};

use crate::support::{Platform, clock, guarded_acme, held, told};

/// One day, far more than what one response may ask of all accounts.
const WAIT_SECONDS: i64 = 86_400;
const LONGEST_SHARED_PAUSE_SECONDS: i64 = 15 * 60;

struct Scene {
    platform: Platform,
    guarded: Arc<evergrant_adapters::Provider>,
    clock: Arc<ManualClock>,
}

impl Scene {
    async fn new() -> Self {
        let platform = Platform::telling(told(200, r#"{"access_token":"a","sub":"1"}"#)).await;
        let clock = clock();
        let guarded = guarded_acme(
            Arc::clone(&clock),
            &platform.base,
            "",
            HttpLimits::default(),
        );
        Self {
            platform,
            guarded,
            clock,
        }
    }

    /// The classes of failure of each kind of call that concerns this account, `None` where it
    /// succeeds.
    async fn every_kind(&self, account: &ProviderAccountId) -> [Option<ErrorClass>; 5] {
        let calls = self.guarded.for_account(account);
        let (held, access) = (held("a", "r"), AccessToken::new("a"));
        [
            calls
                .user_profile(&access, &ScopeSet::default())
                .await
                .err()
                .map(|error| error.class()),
            calls
                .revoke_access(&held)
                .await
                .err()
                .map(|error| error.class()),
            calls
                .refresh_access_token(&held)
                .await
                .err()
                .map(|error| error.class()),
            self.guarded
                .admit_refresh(account, Duration::ZERO)
                .await
                .err()
                .map(|error| error.class()),
            // The definition knows no sessions: an admitted check is a bad request.
            calls
                .check_session(&access)
                .await
                .err()
                .map(|error| error.class()),
        ]
    }
}

const REFUSED: [Option<ErrorClass>; 5] = [Some(ErrorClass::RateLimited); 5];
const CALLED: [Option<ErrorClass>; 5] = [None, None, None, None, Some(ErrorClass::BadRequest)];

#[tokio::test]
async fn an_account_paused_by_one_kind_of_call_is_not_called_by_another() {
    let [paused, other] = ["1", "2"].map(|id| ProviderAccountId::new(id).unwrap());
    for kind in 0..3 {
        let scene = Scene::new().await;
        scene
            .platform
            .tell(told(429, "{}").with("retry-after", &WAIT_SECONDS.to_string()));
        let (held, access) = (held("a", "r"), AccessToken::new("a"));
        let calls = scene.guarded.for_account(&paused);
        let limited = match kind {
            0 => calls
                .user_profile(&access, &ScopeSet::default())
                .await
                .map(drop),
            1 => calls.revoke_access(&held).await.map(drop),
            _ => calls.refresh_access_token(&held).await.map(drop),
        };
        assert_eq!(limited.unwrap_err().class(), ErrorClass::RateLimited);
        scene
            .platform
            .tell(told(200, r#"{"access_token":"a","sub":"1"}"#));
        scene.clock.advance_seconds(LONGEST_SHARED_PAUSE_SECONDS);
        let before = scene.platform.seen().len();
        assert_eq!(scene.every_kind(&paused).await, REFUSED);
        assert_eq!(
            scene.platform.seen().len(),
            before,
            "nothing is sent during the pause"
        );
        assert_eq!(scene.every_kind(&other).await, CALLED);
        scene
            .clock
            .advance_seconds(WAIT_SECONDS - LONGEST_SHARED_PAUSE_SECONDS);
        assert_eq!(scene.every_kind(&paused).await, CALLED);
    }
}
