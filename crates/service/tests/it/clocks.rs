//! A15: the machine's clock is put forward or turned back by an hour, and the platform's is not.

use std::sync::Arc;

use evergrant_model::{Clock, ManualClock, SteadyClock};
use evergrant_testkit::{TestDatabase, new_year, on_both_databases};

use crate::harness::{ACME_LIFE_S, REFRESH, Stand};

on_both_databases!(a15_a_clock_that_steps_makes_no_storm_and_serves_nothing_that_has_ended);

const HOUR_S: i64 = 3600;
const MANY: usize = 20;

/// Reads everything and holds it against the platform, by whose clock it must still work.
async fn all_work(stand: &Stand, user: evergrant_model::UserId, accounts: &[String], when: &str) {
    for account in accounts {
        let token = stand.read(user, "acme", account).await.unwrap();
        assert!(
            stand.works(&token).await,
            "a token was served that had ended, {when}"
        );
    }
    stand.service.process().drain().await;
}

async fn a15_a_clock_that_steps_makes_no_storm_and_serves_nothing_that_has_ended(
    database: TestDatabase,
) {
    let (truth, wall) = (new_year(), new_year());
    let steady: Arc<dyn Clock> = Arc::new(SteadyClock::set_by(Arc::<ManualClock>::clone(&wall)));
    let store = database.store().await;
    let stand = Stand::by(database, store, Arc::clone(&truth), Arc::clone(&steady)).await;
    let (user, accounts) = stand
        .user_with_many("acme", MANY, truth.now().plus_seconds(ACME_LIFE_S))
        .await;
    all_work(&stand, user, &accounts, "at the beginning").await;
    assert_eq!(stand.calls("acme", REFRESH), 0);

    wall.advance_seconds(HOUR_S);
    all_work(&stand, user, &accounts, "after a step forward").await;
    let after_forward = stand.calls("acme", REFRESH);
    assert!(
        after_forward <= MANY as u64,
        "one renewal each: {after_forward}"
    );
    all_work(&stand, user, &accounts, "after a step forward").await;
    assert_eq!(stand.calls("acme", REFRESH), after_forward, "and no more");

    wall.advance_seconds(-2 * HOUR_S);
    assert!(steady.ahead_ms() > HOUR_S * 1000);
    all_work(&stand, user, &accounts, "after a step back").await;
    assert_eq!(
        stand.calls("acme", REFRESH),
        after_forward,
        "a step back renews nothing"
    );
    wall.advance_seconds(2 * HOUR_S);
    for minute in 0..180 {
        stand.pass_seconds(60);
        wall.advance_seconds(60);
        all_work(
            &stand,
            user,
            &accounts,
            &format!("{minute} minutes after the steps"),
        )
        .await;
    }
    let calls = stand.calls("acme", REFRESH) - after_forward;
    assert!(
        calls <= 5 * MANY as u64,
        "three hours of tokens that live for one: {calls}"
    );
}
